-- Keys of applications that are gone from a batch; a key may stand for another application that is still there.
DELETE FROM application_keys
WHERE (batch_id, key) IN (SELECT batch_id, (hash(application_id) >> 32)::UINTEGER FROM going)
    AND (batch_id, key) NOT IN (
        SELECT batch_id, (hash(application_id) >> 32)::UINTEGER
        FROM applications
        WHERE batch_id IN (SELECT batch_id FROM going)
    )
