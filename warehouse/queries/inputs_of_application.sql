-- An application as a batch has scored it.
SELECT * FROM applications WHERE batch_id = $batch_id AND application_id = $application_id
