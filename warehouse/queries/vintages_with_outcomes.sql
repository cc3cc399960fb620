-- Months of batch dates that have scored applications with a known outcome, by model, with their last batch date, and
-- the date on which the latest outcome of all was observed.
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
ORDER BY vintages.vintage, vintages.model_version
