-- How an application ended.
SELECT defaulted, observed_on, loaded_at FROM outcomes WHERE application_id = $application_id ORDER BY observed_on
