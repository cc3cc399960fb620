-- The broken rules that are kept of the published batches in a period, by date, rule and field ('' for the line); what
-- was removed for its age or erased is not among them.
SELECT
    batches.batch_date,
    quarantine.rule,
    coalesce(quarantine.field, '') AS field,
    count(*)::BIGINT AS rows
FROM quarantine
JOIN batches ON batches.batch_id = quarantine.batch_id
WHERE batches.status = 'published' AND batches.batch_date BETWEEN $start AND $end
GROUP BY ALL
ORDER BY batches.batch_date DESC, quarantine.rule, field
