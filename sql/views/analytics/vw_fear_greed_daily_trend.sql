-- The index is asked several times a day, and the historical answer tells one point of a day: a day shows one of them.
CREATE OR REPLACE VIEW analytics.vw_fear_greed_daily_trend AS
SELECT
    snapshot_date,
    snapshot_timestamp,
    fear_greed_score,
    sentiment_label,
    value_timestamp,
    live_values,
    is_historical
FROM (
    SELECT
        dated.*,
        count(*) FILTER (WHERE NOT is_historical) OVER (PARTITION BY snapshot_date) AS live_values,
        row_number() OVER (PARTITION BY snapshot_date ORDER BY snapshot_timestamp DESC) AS place
    FROM (
        SELECT
            snapshot_timestamp,
            fear_greed_score,
            sentiment_label,
            value_timestamp,
            (snapshot_timestamp AT TIME ZONE 'UTC')::date AS snapshot_date,
            -- A point of the historical answer stands at its own UTC midnight, so that every live value, which stands at
            -- the moment of its run, comes after it.
            snapshot_timestamp IS NOT DISTINCT FROM value_timestamp
                AND snapshot_timestamp = date_trunc('day', snapshot_timestamp, 'UTC') AS is_historical
        FROM dwh.fact_market_sentiment
        WHERE fear_greed_score IS NOT NULL
    ) AS dated
) AS placed
WHERE place = 1;

COMMENT ON VIEW analytics.vw_fear_greed_daily_trend IS
    'The fear and greed index, one row a UTC day: the last value observed that day, or the point of the historical '
    'answer where the day has no live value. A snapshot without a score is no value.';
COMMENT ON COLUMN analytics.vw_fear_greed_daily_trend.snapshot_date IS 'The UTC day.';
COMMENT ON COLUMN analytics.vw_fear_greed_daily_trend.snapshot_timestamp IS
    'When the value was observed; of a historical point its UTC midnight.';
COMMENT ON COLUMN analytics.vw_fear_greed_daily_trend.fear_greed_score IS '0 is extreme fear, 100 extreme greed.';
COMMENT ON COLUMN analytics.vw_fear_greed_daily_trend.sentiment_label IS
    'The band of the score as the API names it; it bounds its bands at 20, 40, 60 and 80.';
COMMENT ON COLUMN analytics.vw_fear_greed_daily_trend.value_timestamp IS 'When the API last updated the value.';
COMMENT ON COLUMN analytics.vw_fear_greed_daily_trend.live_values IS
    'Live values observed that day; 0 where the historical point stands in for them.';
COMMENT ON COLUMN analytics.vw_fear_greed_daily_trend.is_historical IS
    'True where the value is that of the historical answer.';
