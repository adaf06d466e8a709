CREATE OR REPLACE VIEW analytics.vw_btc_eth_dominance_trend AS
SELECT
    snapshot_timestamp,
    btc_dominance,
    eth_dominance,
    100 - btc_dominance - eth_dominance AS others_dominance,
    btc_dominance_yesterday,
    eth_dominance_yesterday,
    btc_dominance_delta,
    eth_dominance_delta,
    btc_dominance_24h_change,
    eth_dominance_24h_change
FROM dwh.fact_global_market;

COMMENT ON VIEW analytics.vw_btc_eth_dominance_trend IS
    'The shares of Bitcoin and Ethereum in the market at each global-metrics snapshot. Percent, and points of it.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.btc_dominance IS 'Percent of the total market capitalisation.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.eth_dominance IS 'Percent of the total market capitalisation.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.others_dominance IS '100 - btc_dominance - eth_dominance.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.btc_dominance_yesterday IS
    'Of 24 hours before, as the API sent it in this snapshot.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.eth_dominance_yesterday IS
    'Of 24 hours before, as the API sent it in this snapshot.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.btc_dominance_delta IS
    'btc_dominance - btc_dominance_yesterday, in points: against the value of yesterday that this snapshot sent, '
    'never against another snapshot.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.eth_dominance_delta IS
    'eth_dominance - eth_dominance_yesterday, in points: against the value of yesterday that this snapshot sent, '
    'never against another snapshot.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.btc_dominance_24h_change IS
    'The change over 24 hours as the API sent it, in points although it calls them percent.';
COMMENT ON COLUMN analytics.vw_btc_eth_dominance_trend.eth_dominance_24h_change IS
    'The change over 24 hours as the API sent it, in points although it calls them percent.';
