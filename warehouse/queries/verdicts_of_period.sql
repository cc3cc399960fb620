-- What was said of each feature on every day of a period that had rows enough, oldest first.
SELECT drift_verdicts.batch_date, drift_verdicts.feature, drift_verdicts.exceeded
FROM drift_verdicts
JOIN batches ON batches.batch_id = drift_verdicts.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND drift_verdicts.enough
    AND batches.batch_date BETWEEN $start AND $end
ORDER BY drift_verdicts.batch_date, drift_verdicts.feature
