CREATE OR REPLACE VIEW analytics.vw_global_market_overview AS
SELECT
    snapshot_timestamp,
    total_market_cap,
    total_volume_24h,
    total_volume_24h_reported,
    market_liquidity_ratio,
    total_market_cap_yesterday,
    total_market_cap_yesterday_change,
    total_volume_24h_yesterday,
    total_volume_24h_yesterday_change,
    altcoin_market_cap,
    btc_dominance,
    eth_dominance
FROM dwh.fact_global_market;

COMMENT ON VIEW analytics.vw_global_market_overview IS
    'The whole market at each global-metrics snapshot: capitalisation, volume and liquidity. Amounts in US dollars.';
COMMENT ON COLUMN analytics.vw_global_market_overview.total_volume_24h IS
    'Volume of 24 hours as the provider counts it, without what it holds to be wash trading.';
COMMENT ON COLUMN analytics.vw_global_market_overview.total_volume_24h_reported IS
    'Volume of 24 hours as the exchanges report it.';
COMMENT ON COLUMN analytics.vw_global_market_overview.market_liquidity_ratio IS
    'total_volume_24h / total_market_cap; NULL where that is undefined.';
COMMENT ON COLUMN analytics.vw_global_market_overview.total_market_cap_yesterday IS
    'Of 24 hours before, as the API sent it; not looked up in earlier snapshots.';
COMMENT ON COLUMN analytics.vw_global_market_overview.total_market_cap_yesterday_change IS
    'Percent against yesterday, as the API sent it.';
COMMENT ON COLUMN analytics.vw_global_market_overview.total_volume_24h_yesterday IS
    'Of 24 hours before, as the API sent it; not looked up in earlier snapshots.';
COMMENT ON COLUMN analytics.vw_global_market_overview.total_volume_24h_yesterday_change IS
    'Percent against yesterday, as the API sent it.';
COMMENT ON COLUMN analytics.vw_global_market_overview.altcoin_market_cap IS 'Of all coins but Bitcoin.';
COMMENT ON COLUMN analytics.vw_global_market_overview.btc_dominance IS 'Percent of total_market_cap.';
COMMENT ON COLUMN analytics.vw_global_market_overview.eth_dominance IS 'Percent of total_market_cap.';
