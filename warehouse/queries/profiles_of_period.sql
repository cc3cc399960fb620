-- What the published batches of a model looked like in a period, oldest first.
SELECT profiles.batch_date, profiles.feature, profiles.counts, profiles.sample
FROM profiles
JOIN batches ON batches.batch_id = profiles.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
ORDER BY profiles.batch_date, profiles.feature
