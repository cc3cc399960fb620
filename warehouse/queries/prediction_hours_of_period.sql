-- The service's predictions by hour (UTC) and model between two instants, oldest first.
SELECT
    hour,
    model_version,
    request_count,
    approved_count,
    referred_count,
    declined_count,
    mean_probability_of_default,
    latency_p50_ms,
    latency_p95_ms,
    latency_p99_ms,
    latency_max_ms
FROM prediction_hours
WHERE hour >= $start AND hour < $end
ORDER BY hour, model_version
