-- Rows by score of the published batches of a model in a period, lowest score first.
SELECT score_counts.score, sum(score_counts.row_count)::BIGINT AS row_count
FROM score_counts
JOIN batches ON batches.batch_id = score_counts.batch_id
WHERE batches.status = 'published'
    AND batches.model_version = $model_version
    AND batches.batch_date BETWEEN $start AND $end
GROUP BY score_counts.score
ORDER BY score_counts.score
