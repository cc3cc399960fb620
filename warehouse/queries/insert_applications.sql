INSERT INTO applications BY NAME
SELECT $batch_id AS batch_id, * FROM read_parquet($accepted)
