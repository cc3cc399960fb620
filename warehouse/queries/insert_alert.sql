-- Unless the same one is on record and not resolved, or the missing file has been judged in the meantime.
-- An alert may have no date: NULL equals NULL here.
INSERT INTO alerts BY NAME
SELECT
    $alert_id AS alert_id,
    $kind AS kind,
    $severity AS severity,
    $batch_date AS batch_date,
    $subject AS subject,
    $message AS message,
    'open' AS status,
    $raised_at AS raised_at
WHERE NOT EXISTS (
    SELECT alert_id
    FROM alerts
    WHERE alerts.kind = $kind
        AND alerts.batch_date IS NOT DISTINCT FROM $batch_date
        AND alerts.subject = $subject
        AND alerts.status <> 'resolved'
)
AND NOT (
    $kind = 'missing_file'
    AND EXISTS (
        SELECT batch_id FROM batches WHERE batches.batch_date = $batch_date AND batches.status IN ('published', 'blocked')
    )
)
