CREATE OR REPLACE VIEW monitoring.vw_missing_metrics_in_crypto_category AS
SELECT
    f.category_id,
    c.name,
    f.snapshot_timestamp,
    f.num_tokens,
    f.market_cap,
    f.volume,
    f.last_updated
FROM dwh.fact_crypto_category AS f
LEFT JOIN dwh.dim_crypto_category AS c ON c.category_id = f.category_id
WHERE f.num_tokens IS NULL OR f.market_cap IS NULL OR f.volume IS NULL;

COMMENT ON VIEW monitoring.vw_missing_metrics_in_crypto_category IS
'Category snapshots that lack the number of coins, the market cap or the volume, for whoever judges the data. A '
'figure of 0 was sent as such and is not missing.';
COMMENT ON COLUMN monitoring.vw_missing_metrics_in_crypto_category.market_cap IS 'USD.';
COMMENT ON COLUMN monitoring.vw_missing_metrics_in_crypto_category.volume IS 'USD, of 24 hours.';
COMMENT ON COLUMN monitoring.vw_missing_metrics_in_crypto_category.last_updated IS
'When the provider last renewed the category, as sent.';
