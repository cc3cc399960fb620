-- The alerts that are not resolved, acknowledged ones too, and behind them the last ones that are; newest first.
WITH placed AS (
    SELECT *, row_number() OVER (PARTITION BY status = 'resolved' ORDER BY raised_at DESC, alert_id) AS place
    FROM alerts
)

SELECT
    alert_id,
    status,
    severity,
    kind,
    subject,
    message,
    batch_date,
    last_batch_date,
    batches,
    acknowledged_by,
    acknowledged_until,
    raised_at,
    resolved_at
FROM placed
WHERE status <> 'resolved' OR place <= $resolved
ORDER BY status = 'resolved', raised_at DESC, alert_id
