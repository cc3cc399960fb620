-- The figures of the predictions between two instants, percentiles exact; no models named means all of them.
SELECT
    count(*) AS request_count,
    count(*) FILTER (json_extract_string(outputs, '$.decision') = 'approve') AS approved_count,
    quantile_cont(latency_ms, 0.5) AS latency_p50_ms,
    quantile_cont(latency_ms, 0.95) AS latency_p95_ms,
    quantile_cont(latency_ms, 0.99) AS latency_p99_ms
FROM predictions
WHERE predicted_at >= $start
    AND predicted_at < $end
    AND (len($models::VARCHAR[]) = 0 OR list_contains($models::VARCHAR[], model_version))
