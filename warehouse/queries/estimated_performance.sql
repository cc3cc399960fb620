-- What was estimated before the outcomes were known.
SELECT vintage, model_version, band, metric, value, low, high, row_count
FROM performance
WHERE basis = 'estimated'
ORDER BY vintage, model_version, metric
