-- The alerts on the drift of one feature that were open at some time of a period, newest first.
SELECT
    alert_id,
    severity,
    status,
    batch_date,
    last_batch_date,
    batches,
    acknowledged_by,
    acknowledged_until,
    raised_at,
    resolved_at,
    resolved_by_batch_date,
    message
FROM alerts
WHERE kind = 'drift'
    AND subject = $feature
    AND batch_date <= $end
    AND (status <> 'resolved' OR coalesce(resolved_by_batch_date, resolved_at::DATE) >= $start)
ORDER BY batch_date DESC, raised_at DESC, alert_id
