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
WHERE snapshot_timestamp = (
    SELECT max(market.snapshot_timestamp)
    FROM dwh.fact_crypto_market AS market
    WHERE market.snapshot_timestamp <> ALL (ARRAY(
        SELECT i.snapshot_timestamp
        FROM ops.incomplete_snapshot AS i
        WHERE i.table_name = 'fact_crypto_market' AND i.completed_at IS NULL
    ))
);

COMMENT ON VIEW analytics.vw_crypto_market_kpis_latest IS
    'The rows of vw_crypto_market_kpis at the newest complete listings snapshot. A coin that it lacks has none.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.previous_snapshot_timestamp IS
    'The newest earlier snapshot in which the coin has a price above 0, however long before.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.hours_since_previous IS
    'Hours over which log_return was made; NULL without one.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.log_return IS
    'ln(price_usd / price_usd at previous_snapshot_timestamp); NULL where either is missing.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.realised_volatility_7d IS
    'sqrt(sum of log_return^2 / sum of their days * 365.25), per year, over the returns that end in (snapshot - 7 '
    'days, snapshot]. A return that begins before the window counts whole, its square and its days alike. NULL under '
    '10 returns.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.volatility_7d_observations IS
    'Returns that end in (snapshot - 7 days, snapshot].';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.realised_volatility_30d IS
    'As realised_volatility_7d, over (snapshot - 30 days, snapshot]. NULL under 40 returns.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.volatility_30d_observations IS
    'Returns that end in (snapshot - 30 days, snapshot].';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.trend_7d IS
    'Slope of ln(price_usd) against time by least squares, per day, over the snapshots of (snapshot - 7 days, '
    'snapshot]. NULL under 10 snapshots.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.trend_7d_observations IS
    'Snapshots of (snapshot - 7 days, snapshot] with a price above 0.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.outlier_score IS
    '(x - median) / (1.4826 * median absolute deviation), where x is log_return / sqrt(its days), for returns over '
    'two hours and over a weekend do not compare otherwise. Median and deviation are of the returns that end in '
    '(snapshot - 30 days, snapshot): the own one does not judge itself. NULL under 40 of them, and where they hardly '
    'differ (deviation of at most 1e-9, as of a price that stands still).';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.outlier_observations IS
    'Returns that end in (snapshot - 30 days, snapshot).';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis_latest.is_outlier IS
    'outlier_score is above 5 or below -5; NULL where there is no score. A flag: no outlier is left out of any '
    'figure.';
