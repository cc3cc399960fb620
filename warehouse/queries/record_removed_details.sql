-- How many values of single applicants each batch has in its profiles.
INSERT INTO removals BY NAME
SELECT
    going_details.batch_id,
    'details' AS table_name,
    coalesce(sum(len(profiles.sample)), 0)::BIGINT AS row_count,
    $reason AS reason,
    $now AS removed_at
FROM going_details
LEFT JOIN profiles ON profiles.batch_id = going_details.batch_id
GROUP BY going_details.batch_id
