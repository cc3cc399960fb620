-- What the last published batches of a model before a date looked like, latest first.
WITH recent AS (
    SELECT batch_id, batch_date
    FROM batches
    WHERE status = 'published' AND batch_date < $batch_date AND model_version = $model_version
    ORDER BY batch_date DESC
    LIMIT $batches
)

SELECT recent.batch_date, profiles.feature, profiles.counts, profiles.sample
FROM profiles
JOIN recent ON recent.batch_id = profiles.batch_id
ORDER BY recent.batch_date DESC, profiles.feature
