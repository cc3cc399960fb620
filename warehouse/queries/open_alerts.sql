-- The alerts that are not resolved, acknowledged ones too, newest first.
SELECT
    alert_id,
    kind,
    severity,
    batch_date,
    last_batch_date,
    batches,
    subject,
    message,
    status,
    acknowledged_by,
    acknowledged_until,
    raised_at
FROM alerts
WHERE status <> 'resolved'
ORDER BY raised_at DESC, alert_id
