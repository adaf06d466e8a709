CREATE OR REPLACE VIEW monitoring.vw_invalid_dominance_percentages AS
SELECT snapshot_timestamp, btc_dominance, eth_dominance, load_batch_id
FROM dwh.fact_global_market
WHERE btc_dominance NOT BETWEEN 0 AND 90 OR eth_dominance NOT BETWEEN 0 AND 90;

COMMENT ON VIEW monitoring.vw_invalid_dominance_percentages IS
    'Snapshots in which the share of Bitcoin or of Ethereum in the market is outside of 0 to 90 percent.';
