-- Approvals by group of each protected field, of each vintage and model.
SELECT
    vintage,
    model_version,
    field,
    group_place,
    group_name,
    row_count,
    approval_rate,
    approval_low,
    approval_high,
    impact_ratio,
    impact_low,
    impact_high,
    below_four_fifths
FROM fairness
ORDER BY vintage, model_version, field, group_place
