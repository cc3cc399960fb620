-- What the monitors of data quality saw in the last published batches before a date, latest first.
WITH recent AS (
    SELECT batch_id, batch_date
    FROM batches
    WHERE status = 'published' AND batch_date < $batch_date
    ORDER BY batch_date DESC
    LIMIT $batches
)

SELECT recent.batch_date, quality.monitor, quality.subject, quality.value
FROM quality
JOIN recent ON recent.batch_id = quality.batch_id
ORDER BY recent.batch_date DESC, quality.monitor, quality.subject
