-- How many rows of each batch the records that go from the quarantine are of.
INSERT INTO removals BY NAME
SELECT
    batch_id,
    'quarantine' AS table_name,
    count(DISTINCT row_number) AS row_count,
    $reason AS reason,
    $now AS removed_at
FROM quarantine
WHERE rowid IN (SELECT record FROM going_records)
GROUP BY batch_id
