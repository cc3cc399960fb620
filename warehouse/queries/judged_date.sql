-- The batch of a date that the gate has given its verdict on, if there is one.
SELECT batch_id FROM batches WHERE batch_date = $batch_date AND status IN ('published', 'blocked') LIMIT 1
