-- The batches in force or blocked: the files that the gate has given its verdict on.
SELECT batch_date, status, source_sha256
FROM batches
WHERE status IN ('published', 'blocked')
ORDER BY batch_date, revision
