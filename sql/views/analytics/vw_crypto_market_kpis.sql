-- Every figure is computed from the market's history as it is when it is asked for, and from nothing that was computed
-- before: so a snapshot that arrives late or is replayed gives the figures of a history loaded in order.
--
-- Each row looks for the coin's own rows of the 30 days before by the key of the fact. Filters on the coin or on the
-- time thus reach the fact, and a query costs what its own rows cost, however long the history is. Windows are spelt in
-- hours, for a day of the session's time zone may have 23; date_part gives a double at once, unlike extract.
CREATE OR REPLACE VIEW analytics.vw_crypto_market_kpis AS
SELECT
    market.crypto_id,
    market.snapshot_timestamp,
    market.price_usd,
    previous.snapshot_timestamp AS previous_snapshot_timestamp,
    own.days * 24 AS hours_since_previous,
    own.log_return,
    CASE WHEN month.returns_7d >= 10 THEN sqrt(month.squares_7d / month.days_7d * 365.25) END
        AS realised_volatility_7d,
    month.returns_7d AS volatility_7d_observations,
    CASE WHEN month.returns_30d >= 40 THEN sqrt(month.squares_30d / month.days_30d * 365.25) END
        AS realised_volatility_30d,
    month.returns_30d AS volatility_30d_observations,
    CASE WHEN month.prices_7d >= 10 THEN month.slope_7d END AS trend_7d,
    month.prices_7d AS trend_7d_observations,
    outlier.score AS outlier_score,
    cardinality(month.earlier_rates) AS outlier_observations,
    abs(outlier.score) > 5 AS is_outlier
FROM dwh.fact_crypto_market AS market
LEFT JOIN LATERAL (
    SELECT earlier.snapshot_timestamp, earlier.price_usd
    FROM dwh.fact_crypto_market AS earlier
    WHERE earlier.crypto_id = market.crypto_id
        AND earlier.snapshot_timestamp < market.snapshot_timestamp
        AND earlier.price_usd > 0
        AND market.price_usd > 0
    ORDER BY earlier.snapshot_timestamp DESC
    LIMIT 1
) AS previous ON true
-- The last price before the 30 days: their first return begins with it.
LEFT JOIN LATERAL (
    SELECT earlier.snapshot_timestamp, earlier.price_usd
    FROM dwh.fact_crypto_market AS earlier
    WHERE earlier.crypto_id = market.crypto_id
        AND earlier.snapshot_timestamp <= market.snapshot_timestamp - interval '720 hours'
        AND earlier.price_usd > 0
    ORDER BY earlier.snapshot_timestamp DESC
    LIMIT 1
) AS before ON true
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE is_of_7d) AS prices_7d,
        regr_slope(
            ln(price_usd), date_part('epoch', snapshot_timestamp - market.snapshot_timestamp) / 86400
        ) FILTER (WHERE is_of_7d) AS slope_7d,
        count(log_return) FILTER (WHERE is_of_7d) AS returns_7d,
        sum(log_return * log_return) FILTER (WHERE is_of_7d) AS squares_7d,
        sum(days) FILTER (WHERE is_of_7d) AS days_7d,
        count(log_return) AS returns_30d,
        sum(log_return * log_return) AS squares_30d,
        sum(days) AS days_30d,
        coalesce(array_agg(log_return / sqrt(days)) FILTER (WHERE is_earlier AND log_return IS NOT NULL), '{}')
            AS earlier_rates,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY log_return / sqrt(days)) FILTER (WHERE is_earlier)
            AS median_rate
    FROM (
        SELECT
            recent.snapshot_timestamp,
            recent.price_usd,
            recent.snapshot_timestamp > market.snapshot_timestamp - interval '168 hours' AS is_of_7d,
            recent.snapshot_timestamp < market.snapshot_timestamp AS is_earlier,
            ln(recent.price_usd) - ln(lag(recent.price_usd, 1, before.price_usd) OVER in_order) AS log_return,
            date_part('epoch', recent.snapshot_timestamp
                - lag(recent.snapshot_timestamp, 1, before.snapshot_timestamp) OVER in_order) / 86400 AS days
        FROM dwh.fact_crypto_market AS recent
        WHERE recent.crypto_id = market.crypto_id
            AND recent.snapshot_timestamp > market.snapshot_timestamp - interval '720 hours'
            AND recent.snapshot_timestamp <= market.snapshot_timestamp
            AND recent.price_usd > 0
        WINDOW in_order AS (ORDER BY recent.snapshot_timestamp)
    ) AS step
) AS month ON true
LEFT JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(rate - month.median_rate)) AS deviation
    FROM unnest(month.earlier_rates) AS rate
) AS spread ON true
CROSS JOIN LATERAL (
    SELECT
        date_part('epoch', market.snapshot_timestamp - previous.snapshot_timestamp) / 86400 AS days,
        ln(CASE WHEN market.price_usd > 0 THEN market.price_usd END) - ln(previous.price_usd) AS log_return
) AS own
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN cardinality(month.earlier_rates) >= 40 AND spread.deviation > 1e-9
                THEN (own.log_return / sqrt(own.days) - month.median_rate) / (1.4826 * spread.deviation)
        END AS score
) AS outlier;

COMMENT ON VIEW analytics.vw_crypto_market_kpis IS
    'Returns, volatility, trend and outliers of a coin at each listings snapshot, computed when asked for. A price '
    'that is NULL or not above 0 takes part in nothing: its row has no return, and its windows hold the other '
    'snapshots. Ask for one coin or for one snapshot; all coins over a year are 6.6 million rows.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.previous_snapshot_timestamp IS
    'The newest earlier snapshot in which the coin has a price above 0, however long before.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.hours_since_previous IS
    'Hours over which log_return was made; NULL without one.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.log_return IS
    'ln(price_usd / price_usd at previous_snapshot_timestamp); NULL where either is missing.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.realised_volatility_7d IS
    'sqrt(sum of log_return^2 / sum of their days * 365.25), per year, over the returns that end in (snapshot - 7 '
    'days, snapshot]. A return that begins before the window counts whole, its square and its days alike. NULL under '
    '10 returns.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.volatility_7d_observations IS
    'Returns that end in (snapshot - 7 days, snapshot].';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.realised_volatility_30d IS
    'As realised_volatility_7d, over (snapshot - 30 days, snapshot]. NULL under 40 returns.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.volatility_30d_observations IS
    'Returns that end in (snapshot - 30 days, snapshot].';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.trend_7d IS
    'Slope of ln(price_usd) against time by least squares, per day, over the snapshots of (snapshot - 7 days, '
    'snapshot]. NULL under 10 snapshots.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.trend_7d_observations IS
    'Snapshots of (snapshot - 7 days, snapshot] with a price above 0.';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.outlier_score IS
    '(x - median) / (1.4826 * median absolute deviation), where x is log_return / sqrt(its days), for returns over '
    'two hours and over a weekend do not compare otherwise. Median and deviation are of the returns that end in '
    '(snapshot - 30 days, snapshot): the own one does not judge itself. NULL under 40 of them, and where they hardly '
    'differ (deviation of at most 1e-9, as of a price that stands still).';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.outlier_observations IS
    'Returns that end in (snapshot - 30 days, snapshot).';
COMMENT ON COLUMN analytics.vw_crypto_market_kpis.is_outlier IS
    'outlier_score is above 5 or below -5; NULL where there is no score. A flag: no outlier is left out of any '
    'figure.';
