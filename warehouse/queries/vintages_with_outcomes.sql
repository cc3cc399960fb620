-- Months of batch dates that have scored applications with a known outcome, by model, with their last batch date, and
-- the date on which the latest outcome of all was observed.
SELECT
    date_trunc('month', current_scores.batch_date)::DATE AS vintage,
    current_scores.model_version,
    max(current_scores.batch_date) AS last_batch_date,
    (SELECT max(observed_on) FROM outcomes) AS latest_outcome
FROM current_scores
JOIN outcomes ON outcomes.application_id = current_scores.application_id
GROUP BY vintage, current_scores.model_version
ORDER BY vintage, current_scores.model_version
