-- Staged applications that one of these batches has scored.
SELECT count(*)
FROM read_parquet($accepted) AS accepted
JOIN scores ON scores.application_id = accepted.application_id
WHERE scores.batch_id IN (SELECT unnest($batch_ids))
