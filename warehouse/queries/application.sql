-- An application as it stands in the published batch that scored it, inputs beside result.
SELECT
    applications.*,
    batches.batch_date,
    scores.probability_of_default,
    scores.score,
    scores.band,
    scores.decision,
    scores.reason_codes,
    scores.model_version
FROM applications
JOIN batches ON batches.batch_id = applications.batch_id
JOIN scores ON scores.batch_id = applications.batch_id AND scores.application_id = applications.application_id
WHERE applications.application_id = $application_id AND batches.status = 'published'
