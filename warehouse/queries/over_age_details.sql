-- Batches over the age of reports that still have the values of single applicants in their profiles and messages.
INSERT INTO going_details
SELECT batch_id, batch_date
FROM batches
WHERE batch_date < $reports
    AND batch_id NOT IN (SELECT batch_id FROM removals WHERE table_name = 'details')
