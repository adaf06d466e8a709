CREATE OR REPLACE VIEW monitoring.vw_market_liquidity_ratio_outliers AS
SELECT snapshot_timestamp, market_liquidity_ratio, total_volume_24h, total_market_cap, load_batch_id
FROM dwh.fact_global_market
WHERE market_liquidity_ratio NOT BETWEEN 0.01 AND 10;

COMMENT ON VIEW monitoring.vw_market_liquidity_ratio_outliers IS
    'Snapshots whose market_liquidity_ratio (total_volume_24h / total_market_cap) is outside of 0.01 to 10.';
