-- The latest predictions between two instants; no models named means all of them.
SELECT prediction_id, predicted_at, inputs, outputs, latency_ms, model_version
FROM predictions
WHERE predicted_at >= $start
    AND predicted_at < $end
    AND (len($models::VARCHAR[]) = 0 OR list_contains($models::VARCHAR[], model_version))
ORDER BY predicted_at DESC, prediction_id
LIMIT $rows
