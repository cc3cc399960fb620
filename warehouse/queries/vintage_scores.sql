-- Rows by score of a vintage's published batches that a model scored.
SELECT score_counts.score, sum(score_counts.row_count)::BIGINT AS row_count
FROM score_counts
JOIN batches ON batches.batch_id = score_counts.batch_id
WHERE batches.status = 'published'
    AND score_counts.model_version = $model_version
    AND score_counts.batch_date >= $vintage
    AND score_counts.batch_date < $vintage::DATE + INTERVAL 1 MONTH
GROUP BY score_counts.score
ORDER BY score_counts.score
