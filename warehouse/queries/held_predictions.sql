-- What the service answered about an application, by the keyed hash of its id, oldest first.
SELECT prediction_id, predicted_at, request_id, inputs, outputs, latency_ms, model_version
FROM predictions
WHERE application_key = $application_key
ORDER BY predicted_at, prediction_id
