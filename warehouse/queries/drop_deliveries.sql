-- What waits for an address that is no longer told.
UPDATE deliveries SET status = 'dropped', changed_at = $now, problem = $problem
WHERE status = 'pending' AND NOT list_contains($addresses::VARCHAR[], address)
