-- Batches whose profiles and messages may show a value of an application that is going: those that scored it, and
-- files without a header, of which the refusal shows the first line.
INSERT INTO going_details
SELECT batch_id, batch_date
FROM batches
WHERE (
        batch_id IN (SELECT batch_id FROM going)
        OR batch_id IN (
            SELECT batch_id FROM gate_results WHERE message LIKE '%it reads%' AND contains(message, $application_id)
        )
    )
    AND batch_id NOT IN (SELECT batch_id FROM removals WHERE table_name = 'details')
