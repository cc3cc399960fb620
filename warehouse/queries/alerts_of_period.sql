-- The alerts that batches of a period opened, oldest first.
SELECT kind, severity, subject, batch_date, last_batch_date, status, resolved_by_batch_date, message
FROM alerts
WHERE batch_date BETWEEN $start AND $end
ORDER BY batch_date, kind, subject
