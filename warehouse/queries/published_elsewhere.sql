-- The published batches of other dates.
SELECT batch_id FROM batches WHERE status = 'published' AND batch_date <> $batch_date
