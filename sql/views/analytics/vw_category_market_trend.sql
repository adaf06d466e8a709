CREATE OR REPLACE VIEW analytics.vw_category_market_trend AS
SELECT
    f.category_id,
    c.name,
    f.snapshot_timestamp,
    f.num_tokens,
    f.market_cap,
    f.volume,
    f.market_cap_change,
    f.volume_change,
    f.market_cap_change_rate,
    f.volume_change_rate
FROM dwh.fact_crypto_category AS f
LEFT JOIN dwh.dim_crypto_category AS c ON c.category_id = f.category_id;

COMMENT ON VIEW analytics.vw_category_market_trend IS
'Number of coins, market cap, volume and their changes of each category over time, for analysts. Every snapshot is '
'there: a figure that was not sent is NULL.';
COMMENT ON COLUMN analytics.vw_category_market_trend.name IS 'As the newest snapshot names the category.';
COMMENT ON COLUMN analytics.vw_category_market_trend.num_tokens IS
'As sent; it may flicker from one snapshot to the next.';
COMMENT ON COLUMN analytics.vw_category_market_trend.market_cap IS 'USD.';
COMMENT ON COLUMN analytics.vw_category_market_trend.volume IS 'USD, of 24 hours.';
COMMENT ON COLUMN analytics.vw_category_market_trend.market_cap_change IS
'Percent over 24 hours, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN analytics.vw_category_market_trend.volume_change IS
'Percent over 24 hours, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN analytics.vw_category_market_trend.market_cap_change_rate IS 'market_cap_change / 100.';
COMMENT ON COLUMN analytics.vw_category_market_trend.volume_change_rate IS 'volume_change / 100.';
