-- Months of batch dates that have scored applications with a known outcome, by model.
SELECT DISTINCT date_trunc('month', current_scores.batch_date)::DATE AS vintage, current_scores.model_version
FROM current_scores
JOIN outcomes ON outcomes.application_id = current_scores.application_id
ORDER BY vintage, model_version
