-- Records of the quarantine with what is known of their batch, the latest batch first.
SELECT
    batches.batch_id,
    batches.batch_date,
    batches.status,
    quarantine.* EXCLUDE (batch_id)
FROM quarantine
JOIN batches ON batches.batch_id = quarantine.batch_id
WHERE quarantine.rowid IN (SELECT unnest($records::BIGINT[]))
ORDER BY batches.batch_date DESC, batches.revision DESC, quarantine.row_number, quarantine.rule, quarantine.field
