-- Rows by band and decision of every published batch of a model in a period, oldest first.
SELECT
    decision_counts.batch_date,
    decision_counts.band,
    decision_counts.decision,
    decision_counts.row_count,
    decision_counts.mean_probability_of_default
FROM decision_counts
JOIN batches ON batches.batch_id = decision_counts.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
ORDER BY decision_counts.batch_date, decision_counts.band, decision_counts.decision
