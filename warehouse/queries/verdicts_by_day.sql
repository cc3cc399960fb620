-- The verdict on every feature after each published batch of a model in a period, days of too few rows too, oldest first.
SELECT
    drift_verdicts.batch_date,
    drift_verdicts.feature,
    drift_verdicts.enough,
    drift_verdicts.exceeded,
    drift_verdicts.drifted
FROM drift_verdicts
JOIN batches ON batches.batch_id = drift_verdicts.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
    AND drift_verdicts.batch_date BETWEEN $start AND $end
ORDER BY drift_verdicts.batch_date, drift_verdicts.feature
