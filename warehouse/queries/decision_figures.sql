-- The figures of a batch's decisions, kept with the batch so that an overview never has to scan the scores.
SELECT
    count(*) FILTER (decision = 'approve') AS rows_approved,
    count(*) FILTER (decision = 'refer') AS rows_referred,
    count(*) FILTER (decision = 'decline') AS rows_declined,
    avg(probability_of_default) AS mean_probability_of_default,
    avg(score) AS mean_score
FROM read_parquet($scores)
