-- The dates of the batches that hold an application, or records of the quarantine of it.
SELECT DISTINCT batch_date
FROM batches
WHERE batch_id IN (SELECT batch_id FROM applications WHERE application_id = $application_id)
    OR batch_id IN (SELECT batch_id FROM quarantine WHERE trim(application_id, $blank) = $application_id)
    OR batch_id IN (
        SELECT batch_id
        FROM quarantine
        WHERE application_id IS NULL AND contains(row, $application_id_in_json)
    )
ORDER BY batch_date
