-- The drift of every published batch of a model in a period, oldest first.
SELECT drift.batch_date, drift.feature, drift.statistic, drift.value, drift.threshold, drift.drifted
FROM drift
JOIN batches ON batches.batch_id = drift.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
ORDER BY drift.batch_date, drift.feature, drift.statistic
