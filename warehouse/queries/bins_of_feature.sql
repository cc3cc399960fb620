-- The bins of one feature in the last published batch of a model in a period, and the rows of training in them.
SELECT profiles.labels, profiles.reference_counts
FROM profiles
JOIN batches ON batches.batch_id = profiles.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
    AND profiles.batch_date BETWEEN $start AND $end
    AND profiles.feature = $feature
ORDER BY profiles.batch_date DESC
LIMIT 1
