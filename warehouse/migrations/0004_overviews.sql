-- What the dashboard's overviews would otherwise have to count row by row, kept with what it sums up.

CREATE TABLE decision_counts (
    batch_id VARCHAR,
    batch_date DATE,
    model_version VARCHAR,
    band VARCHAR,
    decision VARCHAR,
    row_count BIGINT,
    mean_probability_of_default DOUBLE
);

INSERT INTO decision_counts
SELECT
    scores.batch_id,
    batches.batch_date,
    batches.model_version,
    scores.band,
    scores.decision,
    count(*),
    avg(scores.probability_of_default)
FROM scores
JOIN batches ON batches.batch_id = scores.batch_id
GROUP BY ALL;

-- Predictions of the service by hour (UTC); percentiles are exact.
CREATE TABLE prediction_hours (
    hour TIMESTAMP,
    model_version VARCHAR,
    request_count BIGINT,
    approved_count BIGINT,
    referred_count BIGINT,
    declined_count BIGINT,
    mean_probability_of_default DOUBLE,
    latency_p50_ms DOUBLE,
    latency_p95_ms DOUBLE,
    latency_p99_ms DOUBLE,
    latency_max_ms DOUBLE
);

INSERT INTO prediction_hours
SELECT
    date_trunc('hour', predicted_at),
    model_version,
    count(*),
    count(*) FILTER (json_extract_string(outputs, '$.decision') = 'approve'),
    count(*) FILTER (json_extract_string(outputs, '$.decision') = 'refer'),
    count(*) FILTER (json_extract_string(outputs, '$.decision') = 'decline'),
    avg(json_extract(outputs, '$.probability_of_default')::DOUBLE),
    quantile_cont(latency_ms, 0.5),
    quantile_cont(latency_ms, 0.95),
    quantile_cont(latency_ms, 0.99),
    max(latency_ms)
FROM predictions
GROUP BY ALL;

-- In which batches an application is found, those of all revisions: 32 bits of DuckDB's hash of its id, as in `outcomes`.
-- A few keys stand for two ids. Among 36 million, a key is found many times faster than a text.
CREATE TABLE application_keys (
    batch_id VARCHAR,
    key UINTEGER
);

INSERT INTO application_keys
SELECT batch_id, (hash(application_id) >> 32)::UINTEGER
FROM applications;

ALTER TABLE outcomes ADD COLUMN key UINTEGER;

UPDATE outcomes SET key = (hash(application_id) >> 32)::UINTEGER;
