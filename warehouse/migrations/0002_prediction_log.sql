-- Predictions come from segments of the service's log. A segment on record is never loaded again.

ALTER TABLE predictions ADD COLUMN request_id VARCHAR;
ALTER TABLE predictions ADD COLUMN application_key VARCHAR;
ALTER TABLE predictions ADD COLUMN segment VARCHAR;

CREATE TABLE prediction_segments (
    segment VARCHAR,
    row_count BIGINT,
    sha256 VARCHAR,
    loaded_at TIMESTAMP
);
