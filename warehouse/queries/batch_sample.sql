-- A sample of a batch's applications with their scores: the same rows every time.
WITH drawn AS (
    SELECT *
    FROM applications
    WHERE batch_id = $batch_id
    ORDER BY hash(application_id), application_id
    LIMIT $rows
)

SELECT drawn.*, scores.score, scores.model_version
FROM drawn
JOIN scores ON scores.batch_id = $batch_id AND scores.application_id = drawn.application_id
ORDER BY hash(drawn.application_id), drawn.application_id
