-- What is quarantined of an application, the latest batch first, blocked and superseded ones too.
SELECT
    batches.batch_date,
    batches.revision,
    batches.status,
    quarantine.row_number,
    quarantine.rule,
    quarantine.field,
    quarantine.value,
    quarantine.message,
    quarantine.source,
    quarantine.row
FROM quarantine
JOIN batches ON batches.batch_id = quarantine.batch_id
WHERE quarantine.application_id = $application_id
ORDER BY batches.batch_date DESC, batches.revision DESC, quarantine.row_number, quarantine.rule, quarantine.field
