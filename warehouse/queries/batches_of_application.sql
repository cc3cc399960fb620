-- The batches that may have scored an application, superseded ones too: a key stands for a few ids.
SELECT DISTINCT batch_id
FROM application_keys
WHERE key = (hash($application_id) >> 32)::UINTEGER
