-- Every feature that a model was monitored on in a period: days judged, beyond a limit and drifted, and its largest
-- statistic as a multiple of its limit; the worst first.
WITH measured AS (
    SELECT drift.feature, max(drift.value / drift.threshold) AS largest
    FROM drift
    JOIN batches ON batches.batch_id = drift.batch_id
    WHERE batches.status = 'published'
        AND batches.model_version = $model_version
        AND drift.batch_date BETWEEN $start AND $end
        AND drift.threshold > 0
    GROUP BY drift.feature
),

judged AS (
    SELECT
        drift_verdicts.feature,
        count(*) FILTER (drift_verdicts.enough) AS judged_days,
        count(*) FILTER (drift_verdicts.exceeded) AS exceeded_days,
        count(*) FILTER (drift_verdicts.drifted) AS drifted_days
    FROM drift_verdicts
    JOIN batches ON batches.batch_id = drift_verdicts.batch_id
    WHERE batches.status = 'published'
        AND batches.model_version = $model_version
        AND drift_verdicts.batch_date BETWEEN $start AND $end
    GROUP BY drift_verdicts.feature
)

SELECT judged.*, measured.largest
FROM judged
LEFT JOIN measured ON measured.feature = judged.feature
ORDER BY judged.drifted_days DESC, judged.exceeded_days DESC, measured.largest DESC NULLS LAST, judged.feature
