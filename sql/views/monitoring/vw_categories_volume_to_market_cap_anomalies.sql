CREATE OR REPLACE VIEW monitoring.vw_categories_volume_to_market_cap_anomalies AS
SELECT
    f.category_id,
    c.name,
    f.snapshot_timestamp,
    f.market_cap,
    f.volume,
    f.volume_to_market_cap_ratio
FROM dwh.fact_crypto_category AS f
LEFT JOIN dwh.dim_crypto_category AS c ON c.category_id = f.category_id
WHERE f.volume_to_market_cap_ratio > 10;

COMMENT ON VIEW monitoring.vw_categories_volume_to_market_cap_anomalies IS
'Snapshots at which a category traded more than ten times its market cap in a day, for whoever judges the data: one '
'of the two figures is probably wrong at the source.';
COMMENT ON COLUMN monitoring.vw_categories_volume_to_market_cap_anomalies.market_cap IS 'USD.';
COMMENT ON COLUMN monitoring.vw_categories_volume_to_market_cap_anomalies.volume IS 'USD, of 24 hours.';
COMMENT ON COLUMN monitoring.vw_categories_volume_to_market_cap_anomalies.volume_to_market_cap_ratio IS
'volume / market_cap; usually below 1.';
