SELECT alert_id, kind, subject
FROM alerts
WHERE status <> 'resolved' AND kind IN (SELECT unnest($kinds))
ORDER BY raised_at, alert_id
