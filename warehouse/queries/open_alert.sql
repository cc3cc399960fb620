INSERT INTO alerts BY NAME
SELECT
    $alert_id AS alert_id,
    $kind AS kind,
    $severity AS severity,
    $batch_date AS batch_date,
    $batch_date AS last_batch_date,
    1 AS batches,
    $subject AS subject,
    $message AS message,
    'open' AS status,
    $raised_at AS raised_at
