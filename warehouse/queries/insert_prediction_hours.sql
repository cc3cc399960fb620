-- Every prediction on record of some hours, summed up by hour and model.
INSERT INTO prediction_hours BY NAME
SELECT
    date_trunc('hour', predicted_at) AS hour,
    model_version,
    count(*) AS request_count,
    count(*) FILTER (json_extract_string(outputs, '$.decision') = 'approve') AS approved_count,
    count(*) FILTER (json_extract_string(outputs, '$.decision') = 'refer') AS referred_count,
    count(*) FILTER (json_extract_string(outputs, '$.decision') = 'decline') AS declined_count,
    avg(json_extract(outputs, '$.probability_of_default')::DOUBLE) AS mean_probability_of_default,
    quantile_cont(latency_ms, 0.5) AS latency_p50_ms,
    quantile_cont(latency_ms, 0.95) AS latency_p95_ms,
    quantile_cont(latency_ms, 0.99) AS latency_p99_ms,
    max(latency_ms) AS latency_max_ms
FROM predictions
WHERE predicted_at >= $start AND predicted_at < $end AND date_trunc('hour', predicted_at) IN $hours
GROUP BY ALL
