-- Every statistic of drift of one feature in the published batches of a model in a period, oldest first.
SELECT
    drift.batch_date,
    drift.statistic,
    drift.value,
    drift.threshold,
    drift.p_value,
    drift.q_value,
    drift.drifted,
    drift.window_value,
    drift.window_p_value
FROM drift
JOIN batches ON batches.batch_id = drift.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
    AND drift.batch_date BETWEEN $start AND $end
    AND drift.feature = $feature
ORDER BY drift.batch_date, drift.statistic
