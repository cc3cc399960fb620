UPDATE deliveries SET status = 'sending', attempts = attempts + 1, changed_at = $now, problem = NULL
WHERE status = 'pending'
