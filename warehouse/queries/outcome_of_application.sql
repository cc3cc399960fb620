-- How an application ended, if that is known; the key finds it, the id says that it is the one.
SELECT defaulted, observed_on, loaded_at
FROM outcomes
WHERE key = (hash($application_id) >> 32)::UINTEGER AND application_id = $application_id
