-- The file of a date has arrived, whatever the gate made of it.
UPDATE alerts SET status = 'resolved'
WHERE kind = 'missing_file' AND batch_date = $batch_date AND status <> 'resolved'
