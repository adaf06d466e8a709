CREATE OR REPLACE VIEW monitoring.vw_stablecoin_market_share_anomalies AS
SELECT snapshot_timestamp, stablecoin_market_share, stablecoin_market_cap, total_market_cap, load_batch_id
FROM dwh.fact_global_market
WHERE stablecoin_market_share NOT BETWEEN 0 AND 1;

COMMENT ON VIEW monitoring.vw_stablecoin_market_share_anomalies IS
    'Snapshots in which stablecoins are worth less than nothing or more than the whole market: '
    'stablecoin_market_share (stablecoin_market_cap / total_market_cap) outside of 0 to 1.';
