-- An application in every batch that holds it, inputs beside result, the latest first.
SELECT
    applications.* EXCLUDE (batch_id),
    batches.batch_id,
    batches.batch_date,
    batches.revision,
    batches.status,
    batches.source,
    batches.finished_at,
    scores.probability_of_default,
    scores.score,
    scores.band,
    scores.decision,
    scores.reason_codes,
    scores.model_version
FROM applications
JOIN batches ON batches.batch_id = applications.batch_id
LEFT JOIN scores ON scores.batch_id = applications.batch_id AND scores.application_id = applications.application_id
WHERE applications.application_id = $application_id
ORDER BY batches.batch_date DESC, batches.revision DESC
