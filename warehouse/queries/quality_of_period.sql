-- What the monitors of data quality saw in the published batches of a period, oldest first.
SELECT
    batches.batch_date,
    quality.monitor,
    quality.subject,
    quality.row_count,
    quality.value,
    quality.expected,
    quality.threshold,
    quality.p_value,
    quality.flagged,
    quality.message
FROM quality
JOIN batches ON batches.batch_id = quality.batch_id
WHERE batches.status = 'published' AND batches.batch_date BETWEEN $start AND $end
ORDER BY batches.batch_date, quality.monitor, quality.subject
