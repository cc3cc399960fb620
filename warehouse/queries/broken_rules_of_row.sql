-- Every rule that a row of a published batch broke, with the row as it came.
SELECT
    batches.batch_date,
    quarantine.row_number,
    quarantine.application_id,
    quarantine.rule,
    quarantine.field,
    quarantine.message,
    quarantine.source,
    quarantine.row
FROM quarantine
JOIN batches ON batches.batch_id = quarantine.batch_id
WHERE batches.status = 'published' AND quarantine.batch_id = $batch_id AND quarantine.row_number = $row_number
ORDER BY quarantine.field, quarantine.rule
