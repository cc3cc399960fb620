-- The batch in force for a date, if there is one.
SELECT
    batch_id,
    revision,
    source_sha256,
    model_sha256,
    contract_hash,
    rows_received,
    rows_scored,
    rows_quarantined,
    started_at
FROM batches
WHERE batch_date = $batch_date AND status = 'published'
