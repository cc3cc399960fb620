-- What was taken out of the record again, and why: counts only, no ids. For each batch and table,
-- rows that are there + rows removed = rows that were written (`quarantine`: rows by row_number, not records).

CREATE TABLE removals (
    batch_id VARCHAR,              -- NULL for what belongs to no batch
    segment VARCHAR,               -- of the prediction log; NULL for what belongs to none
    table_name VARCHAR,            -- `details`: values of single applicants in profiles and messages
    row_count BIGINT,
    reason VARCHAR,                -- retention, erasure
    removed_at TIMESTAMP,
    purged_at TIMESTAMP            -- when the file was written anew without them; NULL until then
);

-- Files that an erasure is about to replace, until their new hash is on the record of their batch or segment.
CREATE TABLE file_changes (
    batch_date DATE,
    segment VARCHAR,
    old_sha256 VARCHAR,
    new_sha256 VARCHAR
);
