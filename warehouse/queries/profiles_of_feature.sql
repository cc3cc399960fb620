-- What one feature looked like in the published batches of a model in a period, oldest first: rows by bin, the quantiles
-- at 5, 25, 50, 75 and 95 % (the least of the values kept up to which such a share of them lies), and of the values kept
-- every $step-th one, from the middle of the first so many on.
SELECT
    profiles.batch_date,
    profiles.counts,
    list_select(
        profiles.sample,
        list_transform([5, 25, 50, 75, 95], lambda percent: greatest(1, (percent * len(profiles.sample) + 99) // 100))
    ) AS quantiles,
    list_slice(profiles.sample, least(len(profiles.sample), ($step + 1) // 2), -1, $step) AS sample
FROM profiles
JOIN batches ON batches.batch_id = profiles.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
    AND profiles.batch_date BETWEEN $start AND $end
    AND profiles.feature = $feature
ORDER BY profiles.batch_date
