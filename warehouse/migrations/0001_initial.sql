-- No primary keys, enum types or sequences: uniqueness comes from replacing in a transaction and from checks.
-- Instants are UTC. The columns of the contract are added to `applications` when the warehouse is opened for writing.

CREATE TABLE batches (
    batch_id VARCHAR,
    batch_date DATE,
    revision INTEGER,
    status VARCHAR,                -- published, blocked, superseded
    source VARCHAR,                -- name of the landing file or folder
    source_sha256 VARCHAR,
    model_version VARCHAR,
    model_sha256 VARCHAR,
    contract_hash VARCHAR,
    rows_received BIGINT,          -- = rows_scored + rows_quarantined
    rows_scored BIGINT,
    rows_quarantined BIGINT,
    rows_approved BIGINT,
    rows_referred BIGINT,
    rows_declined BIGINT,
    mean_probability_of_default DOUBLE,
    mean_score DOUBLE,
    started_at TIMESTAMP,
    finished_at TIMESTAMP
);

CREATE TABLE applications (
    batch_id VARCHAR,
    application_id VARCHAR,
    application_date DATE,
    row_number BIGINT
);

CREATE TABLE scores (
    batch_id VARCHAR,
    application_id VARCHAR,
    probability_of_default DOUBLE,
    score INTEGER,
    band VARCHAR,
    decision VARCHAR,
    reason_codes VARCHAR[],
    model_version VARCHAR
);

CREATE TABLE quarantine (
    batch_id VARCHAR,
    row_number BIGINT,
    application_id VARCHAR,
    rule VARCHAR,
    field VARCHAR,
    value VARCHAR,
    message VARCHAR,
    source VARCHAR,
    row VARCHAR                    -- the raw row as JSON
);

CREATE TABLE gate_results (
    batch_id VARCHAR,
    check_name VARCHAR,
    observed DOUBLE,
    threshold DOUBLE,
    severity VARCHAR,              -- critical blocks the batch, warning and info do not
    passed BOOLEAN,
    message VARCHAR
);

CREATE TABLE drift (
    batch_id VARCHAR,
    batch_date DATE,
    feature VARCHAR,
    statistic VARCHAR,
    value DOUBLE,
    p_value DOUBLE,
    threshold DOUBLE,
    drifted BOOLEAN
);

CREATE TABLE alerts (
    alert_id VARCHAR,
    kind VARCHAR,
    severity VARCHAR,
    batch_date DATE,
    subject VARCHAR,
    message VARCHAR,
    status VARCHAR,
    raised_at TIMESTAMP
);

CREATE TABLE models (
    model_version VARCHAR,
    sha256 VARCHAR,
    contract_hash VARCHAR,
    role VARCHAR,                  -- champion, challenger
    metrics VARCHAR,               -- JSON
    registered_at TIMESTAMP
);

CREATE TABLE outcomes (
    application_id VARCHAR,
    defaulted BOOLEAN,
    observed_on DATE,
    loaded_at TIMESTAMP
);

CREATE TABLE performance (
    vintage DATE,                  -- first day of the month of the batch dates
    model_version VARCHAR,
    metric VARCHAR,
    value DOUBLE,
    low DOUBLE,                    -- 95 % interval
    high DOUBLE,
    row_count BIGINT,
    computed_at TIMESTAMP
);

CREATE TABLE predictions (
    prediction_id VARCHAR,
    predicted_at TIMESTAMP,
    inputs VARCHAR,
    outputs VARCHAR,
    latency_ms DOUBLE,
    model_version VARCHAR
);

CREATE VIEW current_scores AS
SELECT batches.batch_date, scores.*
FROM scores
JOIN batches ON batches.batch_id = scores.batch_id
WHERE batches.status = 'published';
