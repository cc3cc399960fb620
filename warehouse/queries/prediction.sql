-- A prediction of the service by its id.
SELECT prediction_id, predicted_at, inputs, outputs, latency_ms, model_version
FROM predictions
WHERE prediction_id = $prediction_id
