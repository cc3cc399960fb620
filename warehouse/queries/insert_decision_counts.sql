-- Rows of a batch by band and decision, and their mean probability of default.
INSERT INTO decision_counts BY NAME
SELECT
    $batch_id AS batch_id,
    $batch_date AS batch_date,
    $model_version AS model_version,
    band,
    decision,
    count(*) AS row_count,
    avg(probability_of_default) AS mean_probability_of_default
FROM read_parquet($scores)
GROUP BY band, decision
