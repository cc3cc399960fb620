-- The alerts that were in force after the batch of a date, newest first; what has no batch date counts from the day it
-- was raised.
WITH dated AS (
    SELECT
        *,
        coalesce(batch_date, raised_at::DATE) AS opened_on,
        coalesce(resolved_by_batch_date, resolved_at::DATE) AS resolved_on
    FROM alerts
)

SELECT
    alert_id,
    kind,
    severity,
    batch_date,
    last_batch_date,
    batches,
    subject,
    message,
    CASE WHEN status = 'resolved' THEN 'open' ELSE status END AS status,
    acknowledged_by,
    acknowledged_until,
    raised_at
FROM dated
WHERE opened_on <= $batch_date AND (status <> 'resolved' OR resolved_on > $batch_date)
ORDER BY raised_at DESC, alert_id
