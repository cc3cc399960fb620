-- What became of the deliveries that were changed at an instant: a lake's UPDATE returns no rows.
SELECT address, status FROM deliveries WHERE changed_at = $now
