-- What happened to the alerts on the drift of one feature that were open at some time of a period, newest first.
SELECT
    alert_events.happened_at,
    alert_events.alert_id,
    alert_events.event,
    alert_events.batch_date,
    alert_events.message
FROM alert_events
JOIN alerts ON alerts.alert_id = alert_events.alert_id
WHERE alerts.kind = 'drift'
    AND alerts.subject = $feature
    AND alerts.batch_date <= $end
    AND (alerts.status <> 'resolved' OR coalesce(alerts.resolved_by_batch_date, alerts.resolved_at::DATE) >= $start)
ORDER BY alert_events.happened_at DESC, alert_events.event_id
