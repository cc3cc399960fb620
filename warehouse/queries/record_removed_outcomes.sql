-- How many outcomes go with the applications that are gone, by batch: of several revisions the published one counts.
INSERT INTO removals BY NAME
SELECT owner.batch_id, 'outcomes' AS table_name, count(*) AS row_count, $reason AS reason, $now AS removed_at
FROM outcomes
JOIN (SELECT application_id, arg_max(batch_id, published) AS batch_id FROM going GROUP BY application_id) AS owner
    ON owner.application_id = outcomes.application_id
WHERE outcomes.application_id NOT IN (SELECT application_id FROM applications SEMI JOIN going USING (application_id))
GROUP BY owner.batch_id
