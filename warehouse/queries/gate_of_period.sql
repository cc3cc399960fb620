-- Every check of every batch in force or blocked in a period, newest batch first; those of severity info are the rows
-- that broke a rule.
SELECT
    batches.batch_id,
    batches.batch_date,
    batches.revision,
    batches.status,
    batches.source,
    batches.source_sha256,
    batches.finished_at,
    batches.rows_received,
    gate_results.check_name,
    gate_results.observed,
    gate_results.threshold,
    gate_results.severity,
    gate_results.passed,
    gate_results.message
FROM gate_results
JOIN batches ON batches.batch_id = gate_results.batch_id
WHERE batches.status IN ('published', 'blocked') AND batches.batch_date BETWEEN $start AND $end
ORDER BY batches.batch_date DESC, batches.revision DESC, gate_results.check_name
