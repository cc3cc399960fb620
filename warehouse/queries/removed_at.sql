-- What was removed at an instant, by table, and the oldest date of it.
SELECT
    removals.table_name,
    sum(removals.row_count)::BIGINT AS row_count,
    min(coalesce(batches.batch_date, try_strptime(removals.segment[13:20], '%Y%m%d')::DATE)) AS oldest
FROM removals
LEFT JOIN batches ON batches.batch_id = removals.batch_id
WHERE removals.removed_at = $now
GROUP BY removals.table_name
HAVING sum(removals.row_count) > 0
ORDER BY removals.table_name
