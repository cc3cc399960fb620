-- Every date with a batch in force: its rows, and the model that scored them.
SELECT batch_date, model_version, rows_received, rows_scored, rows_quarantined
FROM batches
WHERE status = 'published'
ORDER BY batch_date
