-- Predicted probability, band and outcome of a vintage's applications that have all of them.
SELECT current_scores.probability_of_default, current_scores.band, outcomes.defaulted
FROM current_scores
JOIN outcomes ON outcomes.application_id = current_scores.application_id
WHERE current_scores.model_version = $model_version
    AND current_scores.batch_date >= $vintage
    AND current_scores.batch_date < $vintage::DATE + INTERVAL 1 MONTH
ORDER BY current_scores.application_id
