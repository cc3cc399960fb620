-- What each of the batches named has decided on an application: the one in force first, then the latest.
SELECT
    batches.batch_id,
    batches.batch_date,
    batches.revision,
    batches.status,
    batches.source,
    batches.finished_at,
    scores.score,
    scores.band,
    scores.decision,
    scores.probability_of_default,
    scores.reason_codes,
    scores.model_version
FROM scores
JOIN batches ON batches.batch_id = scores.batch_id
WHERE scores.application_id = $application_id
    AND scores.batch_id IN (SELECT unnest($batch_ids))
ORDER BY batches.status = 'published' DESC, batches.batch_date DESC, batches.revision DESC
