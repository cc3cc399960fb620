-- One statistic of drift of every feature in the published batches of a model in a period, oldest first.
SELECT drift.batch_date, drift.feature, drift.value, drift.threshold, drift.q_value, drift.drifted
FROM drift
JOIN batches ON batches.batch_id = drift.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
    AND drift.batch_date BETWEEN $start AND $end
    AND drift.statistic = $statistic
ORDER BY drift.batch_date, drift.feature
