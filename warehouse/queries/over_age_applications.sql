-- Scored applications over their age, in whichever revision: declined ones go earlier than those that may be a loan.
INSERT INTO going
SELECT scores.batch_id, scores.application_id, batches.status = 'published'
FROM scores
JOIN batches ON batches.batch_id = scores.batch_id
WHERE batches.batch_date < $applications
    OR (batches.batch_date < $declined AND scores.decision = 'decline')
