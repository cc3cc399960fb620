-- What was said of one feature after each published batch of a model in a period, oldest first.
SELECT
    drift_verdicts.batch_date,
    drift_verdicts.row_count,
    drift_verdicts.batches_pooled,
    drift_verdicts.enough,
    drift_verdicts.exceeded,
    drift_verdicts.exceeded_batches,
    drift_verdicts.judged_batches,
    drift_verdicts.drifted,
    drift_verdicts.since,
    drift_verdicts.legacy_drifted,
    drift_verdicts.message
FROM drift_verdicts
JOIN batches ON batches.batch_id = drift_verdicts.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
    AND drift_verdicts.batch_date BETWEEN $start AND $end
    AND drift_verdicts.feature = $feature
ORDER BY drift_verdicts.batch_date
