-- Months of batch dates with what is published of them by model, and when the latest outcome of all was observed.
SELECT
    date_trunc('month', batch_date)::DATE AS vintage,
    model_version,
    max(batch_date) AS last_batch_date,
    sum(rows_scored)::BIGINT AS rows_scored,
    (SELECT max(observed_on) FROM outcomes) AS latest_outcome
FROM batches
WHERE status = 'published'
GROUP BY ALL
ORDER BY vintage, model_version
