-- Realised performance that stays as it was worked out: outcomes of these vintages have been removed for their age.
SELECT vintage, model_version, band, metric, value, low, high, row_count
FROM performance
WHERE basis = 'realised'
    AND (vintage, model_version) IN (
        SELECT date_trunc('month', batches.batch_date)::DATE, batches.model_version
        FROM removals
        JOIN batches ON batches.batch_id = removals.batch_id
        WHERE removals.table_name = 'outcomes' AND removals.reason = 'retention'
    )
ORDER BY vintage, model_version, band NULLS FIRST, metric
