-- Rows received by the last published batches before a date, latest first.
SELECT rows_received
FROM batches
WHERE status = 'published' AND batch_date < $batch_date
ORDER BY batch_date DESC
LIMIT $window
