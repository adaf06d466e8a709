CREATE OR REPLACE VIEW monitoring.vw_missing_critical_market_metrics AS
SELECT
    snapshot_timestamp,
    total_market_cap,
    total_volume_24h,
    btc_dominance,
    array_remove(
        ARRAY[
            CASE WHEN total_market_cap IS NULL THEN 'total_market_cap' END,
            CASE WHEN total_volume_24h IS NULL THEN 'total_volume_24h' END,
            CASE WHEN btc_dominance IS NULL THEN 'btc_dominance' END
        ],
        NULL
    ) AS missing_metrics,
    load_batch_id
FROM dwh.fact_global_market
WHERE total_market_cap IS NULL OR total_volume_24h IS NULL OR btc_dominance IS NULL;

COMMENT ON VIEW monitoring.vw_missing_critical_market_metrics IS
    'Snapshots of the whole market that lack its capitalisation, its volume or the share of Bitcoin.';
COMMENT ON COLUMN monitoring.vw_missing_critical_market_metrics.missing_metrics IS 'The columns that are NULL.';
