-- How it went. What surely did not arrive waits for the next run, so many times.
UPDATE deliveries SET
    status = CASE
        WHEN $result = 'failed' AND attempts < $most_attempts THEN 'pending'
        ELSE $result
    END,
    changed_at = $now,
    problem = $problem
WHERE status = 'sending' AND address = $address AND event_id IN (SELECT unnest($event_ids::VARCHAR[]))
