-- The alerts that are not resolved, acknowledged ones too, newest first.
SELECT alert_id, kind, severity, batch_date, subject, message, status, raised_at
FROM alerts
WHERE status <> 'resolved'
ORDER BY raised_at DESC, alert_id
