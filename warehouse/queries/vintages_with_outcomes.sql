-- Months of batch dates that have scored applications with a known outcome, by model, with their last batch date, and
-- the date on which the latest outcome of all was observed. Those of kept_performance.sql are not worked out again.
WITH vintages AS (
    SELECT
        date_trunc('month', batch_date)::DATE AS vintage,
        model_version,
        max(batch_date) AS last_batch_date
    FROM batches
    WHERE status = 'published'
    GROUP BY ALL
),

known AS (
    SELECT DISTINCT date_trunc('month', current_scores.batch_date)::DATE AS vintage, current_scores.model_version
    FROM current_scores
    JOIN outcomes ON outcomes.application_id = current_scores.application_id
)

SELECT
    vintages.vintage,
    vintages.model_version,
    vintages.last_batch_date,
    (SELECT max(observed_on) FROM outcomes) AS latest_outcome
FROM vintages
JOIN known ON known.vintage = vintages.vintage AND known.model_version = vintages.model_version
WHERE (vintages.vintage, vintages.model_version) NOT IN (
        SELECT performance.vintage, performance.model_version
        FROM performance
        JOIN batches ON date_trunc('month', batches.batch_date)::DATE = performance.vintage
            AND batches.model_version = performance.model_version
        JOIN removals ON removals.batch_id = batches.batch_id
        WHERE performance.basis = 'realised' AND removals.table_name = 'outcomes' AND removals.reason = 'retention'
    )
ORDER BY vintages.vintage, vintages.model_version
