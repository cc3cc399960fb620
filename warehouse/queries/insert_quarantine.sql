INSERT INTO quarantine BY NAME
SELECT $batch_id AS batch_id, * FROM read_parquet($quarantine)
