-- A page of the broken rules on record in a period, newest batch first; no rules or no fields named means all of them.
WITH listed AS (
    SELECT quarantine.rowid AS place, batches.batch_date, quarantine.row_number, quarantine.rule, quarantine.field
    FROM quarantine
    JOIN batches ON batches.batch_id = quarantine.batch_id
    WHERE batches.status = 'published'
        AND batches.batch_date BETWEEN $start AND $end
        AND (len($rules::VARCHAR[]) = 0 OR list_contains($rules::VARCHAR[], quarantine.rule))
        AND (len($fields::VARCHAR[]) = 0 OR list_contains($fields::VARCHAR[], coalesce(quarantine.field, '')))
    ORDER BY batches.batch_date DESC, quarantine.row_number, quarantine.field, quarantine.rule
    LIMIT $rows OFFSET $skipped
)

SELECT
    listed.batch_date,
    quarantine.batch_id,
    quarantine.row_number,
    quarantine.application_id,
    quarantine.rule,
    quarantine.field,
    quarantine.value,
    quarantine.message,
    quarantine.row
FROM quarantine
JOIN listed ON listed.place = quarantine.rowid
ORDER BY listed.batch_date DESC, quarantine.row_number, quarantine.field, quarantine.rule
