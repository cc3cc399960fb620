-- What each registered model is now, after a promotion.
UPDATE models
SET role = CASE
    WHEN model_version = $champion THEN 'champion'
    WHEN list_contains($challengers::VARCHAR[], model_version) THEN 'challenger'
    WHEN list_contains($former::VARCHAR[], model_version) THEN 'former champion'
    ELSE role
END
