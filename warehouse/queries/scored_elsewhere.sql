-- Rows of a file whose application is already scored in the batch of another date, and which date that is.
SELECT ids.row_number, min(batches.batch_date) AS scored_on
FROM read_parquet($ids) AS ids
JOIN scores ON scores.application_id = ids.application_id
JOIN batches ON batches.batch_id = scores.batch_id
WHERE batches.status = 'published' AND batches.batch_date <> $batch_date
GROUP BY ids.row_number
ORDER BY ids.row_number
