-- The outcomes of applications that are gone from every batch.
DELETE FROM outcomes
WHERE application_id IN (SELECT application_id FROM going)
    AND application_id NOT IN (SELECT application_id FROM applications SEMI JOIN going USING (application_id))
