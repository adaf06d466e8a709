CREATE OR REPLACE VIEW analytics.vw_altcoin_market_trend AS
SELECT
    market.snapshot_timestamp,
    market.altcoin_market_cap,
    market.altcoin_volume_24h,
    market.altcoin_volume_24h_reported,
    market.altcoin_market_cap / nullif(market.total_market_cap, 0) AS altcoin_market_share,
    market.altcoin_volume_24h / nullif(market.total_volume_24h, 0) AS altcoin_volume_share,
    before.snapshot_timestamp AS compared_snapshot_timestamp,
    (market.altcoin_market_cap / nullif(before.altcoin_market_cap, 0) - 1) * 100 AS altcoin_market_cap_24h_change
FROM dwh.fact_global_market AS market
-- The API sends no change of this figure, so the snapshot of the day before is looked for where it should be in time.
LEFT JOIN LATERAL (
    SELECT earlier.snapshot_timestamp, earlier.altcoin_market_cap
    FROM dwh.fact_global_market AS earlier
    WHERE earlier.snapshot_timestamp >= market.snapshot_timestamp - interval '24 hours 30 minutes'
        AND earlier.snapshot_timestamp <= market.snapshot_timestamp - interval '23 hours 30 minutes'
    ORDER BY
        abs(extract(epoch FROM market.snapshot_timestamp - interval '24 hours' - earlier.snapshot_timestamp)),
        earlier.snapshot_timestamp
    LIMIT 1
) AS before ON true;

COMMENT ON VIEW analytics.vw_altcoin_market_trend IS
    'All coins but Bitcoin at each global-metrics snapshot. Amounts in US dollars.';
COMMENT ON COLUMN analytics.vw_altcoin_market_trend.altcoin_volume_24h_reported IS
    'Volume of 24 hours as the exchanges report it.';
COMMENT ON COLUMN analytics.vw_altcoin_market_trend.altcoin_market_share IS
    'altcoin_market_cap / total_market_cap, 0 to 1; NULL where that is undefined.';
COMMENT ON COLUMN analytics.vw_altcoin_market_trend.altcoin_volume_share IS
    'altcoin_volume_24h / total_volume_24h, 0 to 1; NULL where that is undefined.';
COMMENT ON COLUMN analytics.vw_altcoin_market_trend.compared_snapshot_timestamp IS
    'The snapshot nearest to 24 hours before, at most 30 minutes off; of two equally near the earlier. NULL where '
    'there is none, as on Mondays.';
COMMENT ON COLUMN analytics.vw_altcoin_market_trend.altcoin_market_cap_24h_change IS
    'Percent against compared_snapshot_timestamp; NULL where there is none.';
