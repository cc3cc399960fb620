-- The source's rows that broke one of some rules on some fields in a period (none named: any), each once, as they came,
-- with the names of their columns and every rule that they broke.
WITH broken AS (
    SELECT
        batches.batch_date,
        quarantine.batch_id,
        quarantine.row_number,
        any_value(quarantine.row) AS row,
        string_agg(
            quarantine.rule || ': ' || coalesce(quarantine.field || ': ', '') || coalesce(quarantine.message, ''),
            '; '
            ORDER BY quarantine.field, quarantine.rule
        ) AS broken_rules,
        bool_or(
            (len($rules::VARCHAR[]) = 0 OR list_contains($rules::VARCHAR[], quarantine.rule))
            AND (len($fields::VARCHAR[]) = 0 OR list_contains($fields::VARCHAR[], coalesce(quarantine.field, '')))
        ) AS wanted
    FROM quarantine
    JOIN batches ON batches.batch_id = quarantine.batch_id
    WHERE batches.status = 'published' AND batches.batch_date BETWEEN $start AND $end
    GROUP BY ALL
)

SELECT batch_date, batch_id, row_number, row, json_keys(row) AS columns, broken_rules
FROM broken
WHERE wanted
ORDER BY batch_date DESC, row_number
