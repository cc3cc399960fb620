SELECT coalesce(max(revision), 0) + 1 FROM batches WHERE batch_date = $batch_date
