-- Each model the service has predicted with: its first and its last hour (UTC), the latest first.
SELECT model_version, min(hour) AS first_hour, max(hour) AS last_hour, sum(request_count)::BIGINT AS request_count
FROM prediction_hours
GROUP BY model_version
ORDER BY last_hour DESC, model_version
