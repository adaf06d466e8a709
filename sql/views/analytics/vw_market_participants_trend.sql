CREATE OR REPLACE VIEW analytics.vw_market_participants_trend AS
SELECT
    snapshot_timestamp,
    active_cryptocurrencies,
    total_cryptocurrencies,
    active_market_pairs,
    active_exchanges,
    total_exchanges,
    active_cryptocurrencies::float8 / nullif(total_cryptocurrencies, 0) AS active_cryptocurrencies_share,
    active_exchanges::float8 / nullif(total_exchanges, 0) AS active_exchanges_share
FROM dwh.fact_global_market;

COMMENT ON VIEW analytics.vw_market_participants_trend IS
    'How many coins, market pairs and exchanges there are, at each global-metrics snapshot.';
COMMENT ON COLUMN analytics.vw_market_participants_trend.total_cryptocurrencies IS
    'Those that are no longer active included.';
COMMENT ON COLUMN analytics.vw_market_participants_trend.total_exchanges IS
    'Those that are no longer active included.';
COMMENT ON COLUMN analytics.vw_market_participants_trend.active_cryptocurrencies_share IS
    'active_cryptocurrencies / total_cryptocurrencies, 0 to 1; NULL where that is undefined.';
COMMENT ON COLUMN analytics.vw_market_participants_trend.active_exchanges_share IS
    'active_exchanges / total_exchanges, 0 to 1; NULL where that is undefined.';
