-- All that is known of the performance of each vintage and model, realised and estimated, as a whole and by band.
SELECT vintage, model_version, basis, band, metric, value, low, high, row_count
FROM performance
ORDER BY vintage, model_version, basis, metric, band
