INSERT INTO scores BY NAME
SELECT $batch_id AS batch_id, *, $model_version AS model_version
FROM read_parquet($scores)
