SELECT application_id, defaulted, observed_on FROM outcomes
