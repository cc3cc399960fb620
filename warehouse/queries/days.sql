-- One row per batch in force or blocked in a period: its figures, which features drifted, what the gate warned of.
WITH moved AS (
    SELECT batch_id, list(feature ORDER BY feature) AS drifted_features
    FROM drift_verdicts
    WHERE drifted AND feature <> 'score'
    GROUP BY batch_id
),

warned AS (
    SELECT batch_id, list(check_name ORDER BY check_name) AS warnings
    FROM gate_results
    WHERE severity = 'warning' AND NOT passed
    GROUP BY batch_id
),

flagged AS (
    SELECT batch_id, list(monitor || ' ' || subject ORDER BY monitor, subject) AS monitors
    FROM quality
    WHERE flagged
    GROUP BY batch_id
)

SELECT
    batches.batch_id,
    batches.batch_date,
    batches.revision,
    batches.status,
    batches.model_version,
    batches.finished_at,
    batches.rows_received,
    batches.rows_scored,
    batches.rows_quarantined,
    batches.rows_approved,
    batches.rows_referred,
    batches.rows_declined,
    batches.mean_probability_of_default,
    batches.mean_score,
    coalesce(moved.drifted_features, []) AS drifted_features,
    coalesce(warned.warnings, []) AS warnings,
    coalesce(flagged.monitors, []) AS quality_findings
FROM batches
LEFT JOIN moved ON moved.batch_id = batches.batch_id
LEFT JOIN warned ON warned.batch_id = batches.batch_id
LEFT JOIN flagged ON flagged.batch_id = batches.batch_id
WHERE batches.status <> 'superseded' AND batches.batch_date BETWEEN $start AND $end
ORDER BY batches.batch_date, batches.revision
