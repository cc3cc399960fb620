-- In place of each value kept of a profile the mean of the ten beside it (microaggregation), the last group up to
-- nineteen; of fewer than ten none is left. The distribution stays, and nobody's value is in it.
UPDATE profiles
SET sample = CASE
    WHEN len(sample) < 10 THEN []
    ELSE [
        list_avg(
            sample[
                least(place // 10, len(sample) // 10 - 1) * 10 + 1
                : CASE WHEN place // 10 >= len(sample) // 10 - 1 THEN len(sample) ELSE (place // 10) * 10 + 10 END
            ]
        )
        FOR place IN range(len(sample))
    ]
END
WHERE batch_id IN (SELECT batch_id FROM going_details)
