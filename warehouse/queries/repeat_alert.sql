-- The cause of an alert lasts. A batch that is published again is not counted again.
UPDATE alerts SET
    severity = $severity,
    status = $status,
    message = $message,
    batches = batches + CASE WHEN last_batch_date IS NOT DISTINCT FROM $batch_date THEN 0 ELSE 1 END,
    last_batch_date = coalesce($batch_date, last_batch_date)
WHERE alert_id = $alert_id
