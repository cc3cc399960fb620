-- An application in whichever revision holds it.
INSERT INTO going
SELECT held.batch_id, held.application_id, coalesce(batches.status = 'published', FALSE)
FROM (
    SELECT batch_id, application_id FROM applications WHERE application_id = $application_id
    UNION
    SELECT batch_id, application_id FROM scores WHERE application_id = $application_id
) AS held
LEFT JOIN batches ON batches.batch_id = held.batch_id
