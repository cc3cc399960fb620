-- An application is scored once, so no id comes twice. Rows of an earlier contract lack what this one added.
SELECT applications.* EXCLUDE (batch_id, row_number)
FROM applications
JOIN batches ON batches.batch_id = applications.batch_id
WHERE batches.status = 'published' AND batches.contract_hash = $contract_hash
ORDER BY batches.batch_date, applications.row_number
