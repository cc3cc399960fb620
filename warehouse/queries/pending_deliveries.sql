-- What is to be told to whom, in the order it happened.
SELECT
    deliveries.event_id,
    deliveries.address,
    alert_events.event,
    alert_events.batch_date,
    alert_events.message,
    alerts.alert_id,
    alerts.kind,
    alerts.severity,
    alerts.subject,
    coalesce(alerts.batch_date, alerts.raised_at::DATE) AS since
FROM deliveries
JOIN alert_events ON alert_events.event_id = deliveries.event_id
JOIN alerts ON alerts.alert_id = alert_events.alert_id
WHERE deliveries.status = 'pending'
ORDER BY alert_events.happened_at, deliveries.event_id, deliveries.address
