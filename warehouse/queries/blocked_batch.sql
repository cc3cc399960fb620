-- An earlier verdict on the very same batch: it is replaced, not repeated.
SELECT batch_id, revision
FROM batches
WHERE batch_date = $batch_date
    AND status = 'blocked'
    AND source_sha256 = $source_sha256
    AND model_sha256 = $model_sha256
    AND contract_hash = $contract_hash
