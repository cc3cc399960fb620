-- What identifies the batch in force of every date that has one.
SELECT batch_date, source_sha256, model_sha256, contract_hash
FROM batches
WHERE status = 'published'
ORDER BY batch_date
