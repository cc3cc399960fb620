-- A process that claimed these died before it said how it went: they may have arrived, and are not sent again.
UPDATE deliveries SET status = 'uncertain', changed_at = $now, problem = $problem
WHERE status = 'sending' AND changed_at < $abandoned_before
