-- after: vw_crypto_market_kpis
CREATE OR REPLACE VIEW analytics.vw_crypto_market_kpis_latest AS
SELECT
    crypto_id,
    snapshot_timestamp,
    price_usd,
    previous_snapshot_timestamp,
    hours_since_previous,
    log_return,
    realised_volatility_7d,
    volatility_7d_observations,
    realised_volatility_30d,
    volatility_30d_observations,
    trend_7d,
    trend_7d_observations,
    outlier_score,
    outlier_observations,
    is_outlier
FROM analytics.vw_crypto_market_kpis
WHERE snapshot_timestamp = (SELECT max(market.snapshot_timestamp) FROM dwh.fact_crypto_market AS market);

COMMENT ON VIEW analytics.vw_crypto_market_kpis_latest IS
    'The rows of vw_crypto_market_kpis at the newest listings snapshot. A coin that the newest snapshot lacks has '
    'none.';
