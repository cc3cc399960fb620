-- Monitoring: drift with false-discovery control, verdicts that last, monitors of data quality, estimates, fairness,
-- and alerts with a life. Earlier rows keep NULL in the new columns.

ALTER TABLE drift ADD COLUMN q_value DOUBLE;          -- p_value after control of false discoveries
ALTER TABLE drift ADD COLUMN window_value DOUBLE;     -- the same statistic against the trailing window
ALTER TABLE drift ADD COLUMN window_p_value DOUBLE;

CREATE TABLE drift_verdicts (
    batch_id VARCHAR,
    batch_date DATE,
    feature VARCHAR,
    row_count BIGINT,              -- rows judged, those of pooled batches included
    batches_pooled INTEGER,        -- batches they come from, this one included
    enough BOOLEAN,                -- FALSE: too few rows, nothing was judged
    exceeded BOOLEAN,              -- a shift of this batch is large and certain
    exceeded_batches INTEGER,      -- of the last judged_batches
    judged_batches INTEGER,
    drifted BOOLEAN,
    since DATE,
    legacy_drifted BOOLEAN,        -- by p < 0.05 alone
    message VARCHAR
);

-- A feature (or the score) in a batch: rows by bin of the reference, and at most 1,001 of its values, ascending.
CREATE TABLE profiles (
    batch_id VARCHAR,
    batch_date DATE,
    model_version VARCHAR,
    feature VARCHAR,
    labels VARCHAR[],
    reference_counts BIGINT[],
    counts BIGINT[],
    sample DOUBLE[]
);

CREATE TABLE score_counts (
    batch_id VARCHAR,
    batch_date DATE,
    model_version VARCHAR,
    score INTEGER,
    row_count BIGINT
);

-- Decisions by group of each protected field.
CREATE TABLE group_counts (
    batch_id VARCHAR,
    batch_date DATE,
    model_version VARCHAR,
    field VARCHAR,
    group_place INTEGER,
    group_name VARCHAR,
    row_count BIGINT,
    approved_count BIGINT
);

CREATE TABLE quality (
    batch_id VARCHAR,
    batch_date DATE,
    monitor VARCHAR,               -- volume, delay_hours, missing_share, quarantined_share, unseen_share, stale_share
    subject VARCHAR,               -- a field, or a rule and a field
    row_count BIGINT,
    value DOUBLE,
    expected DOUBLE,               -- median of the trailing batches
    threshold DOUBLE,
    p_value DOUBLE,
    flagged BOOLEAN,
    message VARCHAR
);

ALTER TABLE performance ADD COLUMN basis VARCHAR;     -- realised, estimated
ALTER TABLE performance ADD COLUMN band VARCHAR;      -- of calibration; NULL for the whole vintage
UPDATE performance SET basis = 'realised';

CREATE TABLE fairness (
    vintage DATE,
    model_version VARCHAR,
    field VARCHAR,
    group_place INTEGER,
    group_name VARCHAR,
    row_count BIGINT,
    approval_rate DOUBLE,
    approval_low DOUBLE,
    approval_high DOUBLE,
    impact_ratio DOUBLE,
    impact_low DOUBLE,
    impact_high DOUBLE,
    below_four_fifths BOOLEAN,
    computed_at TIMESTAMP
);

ALTER TABLE alerts ADD COLUMN last_batch_date DATE;   -- of the last batch that showed the cause
ALTER TABLE alerts ADD COLUMN batches INTEGER;        -- batches that did
ALTER TABLE alerts ADD COLUMN acknowledged_by VARCHAR;
ALTER TABLE alerts ADD COLUMN acknowledged_until DATE;
ALTER TABLE alerts ADD COLUMN resolved_at TIMESTAMP;
ALTER TABLE alerts ADD COLUMN resolved_by_batch_date DATE;
UPDATE alerts SET last_batch_date = batch_date, batches = 1;

-- The life of the alerts, and what of it was sent where.
CREATE TABLE alert_events (
    event_id VARCHAR,
    alert_id VARCHAR,
    event VARCHAR,                 -- opened, escalated, acknowledged, reopened, resolved
    batch_date DATE,
    message VARCHAR,
    happened_at TIMESTAMP
);

CREATE TABLE deliveries (
    event_id VARCHAR,
    address VARCHAR,               -- a fingerprint, since addresses hold secrets
    status VARCHAR,                -- pending, sending, sent, failed, uncertain, dropped
    attempts INTEGER,
    changed_at TIMESTAMP,
    problem VARCHAR
);
