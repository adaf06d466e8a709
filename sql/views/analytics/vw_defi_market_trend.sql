CREATE OR REPLACE VIEW analytics.vw_defi_market_trend AS
SELECT
    snapshot_timestamp,
    defi_market_cap,
    defi_volume_24h,
    defi_volume_24h_reported,
    defi_24h_percentage_change,
    defi_volume_share
FROM dwh.fact_global_market;

COMMENT ON VIEW analytics.vw_defi_market_trend IS
    'Decentralised finance at each global-metrics snapshot. Amounts in US dollars.';
COMMENT ON COLUMN analytics.vw_defi_market_trend.defi_volume_24h_reported IS
    'Volume of 24 hours as the exchanges report it.';
COMMENT ON COLUMN analytics.vw_defi_market_trend.defi_24h_percentage_change IS
    'Percent over 24 hours, as the API sent it.';
COMMENT ON COLUMN analytics.vw_defi_market_trend.defi_volume_share IS
    'defi_volume_24h / total_volume_24h, 0 to 1; NULL where that is undefined.';
