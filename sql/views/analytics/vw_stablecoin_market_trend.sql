CREATE OR REPLACE VIEW analytics.vw_stablecoin_market_trend AS
SELECT
    snapshot_timestamp,
    stablecoin_market_cap,
    stablecoin_volume_24h,
    stablecoin_volume_24h_reported,
    stablecoin_24h_percentage_change,
    stablecoin_market_share
FROM dwh.fact_global_market;

COMMENT ON VIEW analytics.vw_stablecoin_market_trend IS
    'Stablecoins at each global-metrics snapshot. Amounts in US dollars.';
COMMENT ON COLUMN analytics.vw_stablecoin_market_trend.stablecoin_volume_24h_reported IS
    'Volume of 24 hours as the exchanges report it.';
COMMENT ON COLUMN analytics.vw_stablecoin_market_trend.stablecoin_24h_percentage_change IS
    'Percent over 24 hours, as the API sent it.';
COMMENT ON COLUMN analytics.vw_stablecoin_market_trend.stablecoin_market_share IS
    'stablecoin_market_cap / total_market_cap, 0 to 1; NULL where that is undefined.';
