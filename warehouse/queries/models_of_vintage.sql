-- The models that the published batches of a vintage are scored with.
SELECT DISTINCT model_version
FROM batches
WHERE status = 'published' AND batch_date >= $vintage AND batch_date < $vintage::DATE + INTERVAL 1 MONTH
ORDER BY model_version
