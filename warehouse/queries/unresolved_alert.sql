-- The alert on a subject that has not ended, if there is one.
SELECT alert_id, severity, status, acknowledged_until
FROM alerts
WHERE kind = $kind AND subject = $subject AND status <> 'resolved'
ORDER BY raised_at
LIMIT 1
