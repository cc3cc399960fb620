-- Rows and approvals by group of each protected field, of a vintage's published batches that a model scored.
SELECT
    group_counts.field,
    group_counts.group_place,
    group_counts.group_name,
    sum(group_counts.row_count)::BIGINT AS row_count,
    sum(group_counts.approved_count)::BIGINT AS approved_count
FROM group_counts
JOIN batches ON batches.batch_id = group_counts.batch_id
WHERE batches.status = 'published'
    AND group_counts.model_version = $model_version
    AND group_counts.batch_date >= $vintage
    AND group_counts.batch_date < $vintage::DATE + INTERVAL 1 MONTH
GROUP BY group_counts.field, group_counts.group_place, group_counts.group_name
ORDER BY group_counts.field, group_counts.group_place
