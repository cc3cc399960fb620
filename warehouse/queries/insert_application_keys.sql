-- The key of every application of a batch, by which it is found.
INSERT INTO application_keys BY NAME
SELECT $batch_id AS batch_id, (hash(application_id) >> 32)::UINTEGER AS key
FROM read_parquet($accepted)
