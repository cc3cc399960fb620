-- What the last batches before a date that had enough rows said of each feature, latest first.
WITH recent AS (
    SELECT DISTINCT batches.batch_id, batches.batch_date
    FROM batches
    JOIN drift_verdicts ON drift_verdicts.batch_id = batches.batch_id
    WHERE batches.status = 'published' AND batches.batch_date < $batch_date AND drift_verdicts.enough
    ORDER BY batches.batch_date DESC
    LIMIT $batches
)

SELECT recent.batch_date, drift_verdicts.feature, drift_verdicts.exceeded, drift_verdicts.drifted, drift_verdicts.since
FROM drift_verdicts
JOIN recent ON recent.batch_id = drift_verdicts.batch_id
ORDER BY recent.batch_date DESC, drift_verdicts.feature
