UPDATE batches SET status = 'superseded' WHERE batch_date = $batch_date AND status = 'published'
