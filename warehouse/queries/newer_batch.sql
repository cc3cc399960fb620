-- Whether a later date is published already.
SELECT batch_id FROM batches WHERE status = 'published' AND batch_date > $batch_date LIMIT 1
