-- The alerts that were open at some time of a period, those that end in it too; what has no batch date counts from the
-- day it was raised.
WITH dated AS (
    SELECT
        *,
        coalesce(batch_date, raised_at::DATE) AS opened_on,
        coalesce(resolved_by_batch_date, resolved_at::DATE) AS resolved_on
    FROM alerts
)

SELECT severity, kind, subject, opened_on, last_batch_date, batches, status, resolved_on, message
FROM dated
WHERE opened_on <= $end AND (status <> 'resolved' OR resolved_on >= $start)
ORDER BY opened_on, kind, subject
