UPDATE alerts SET status = 'resolved', resolved_at = $resolved_at, resolved_by_batch_date = $batch_date
WHERE alert_id = $alert_id
