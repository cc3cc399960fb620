-- Of each category the day of a period with most rows of levels that training did not have, and what they were.
SELECT DISTINCT ON (quality.subject) quality.subject, quality.batch_date, quality.message
FROM quality
JOIN batches ON batches.batch_id = quality.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND quality.monitor = 'unseen_share'
    AND quality.message IS NOT NULL
    AND batches.batch_date BETWEEN $start AND $end
ORDER BY quality.subject, quality.value * quality.row_count DESC, quality.batch_date
