UPDATE alerts SET status = 'acknowledged', acknowledged_by = $by, acknowledged_until = $until
WHERE alert_id = $alert_id AND status <> 'resolved'
