CREATE OR REPLACE VIEW analytics.vw_category_dominance_index AS
SELECT
    f.category_id,
    c.name,
    f.snapshot_timestamp,
    f.num_tokens,
    f.market_cap,
    f.volume,
    f.dominance_per_token,
    f.volume_to_market_cap_ratio
FROM dwh.fact_crypto_category AS f
LEFT JOIN dwh.dim_crypto_category AS c ON c.category_id = f.category_id
WHERE f.dominance_per_token IS NOT NULL;

COMMENT ON VIEW analytics.vw_category_dominance_index IS
'Market cap per coin and turnover of each category over time, for the category dashboard: filter one category. Its '
'saw-tooth is data: the provider''s count of coins flickers, and is kept as sent.';
COMMENT ON COLUMN analytics.vw_category_dominance_index.name IS 'As the newest snapshot names the category.';
COMMENT ON COLUMN analytics.vw_category_dominance_index.market_cap IS 'USD.';
COMMENT ON COLUMN analytics.vw_category_dominance_index.volume IS 'USD, of 24 hours.';
COMMENT ON COLUMN analytics.vw_category_dominance_index.dominance_per_token IS
'USD: market_cap / num_tokens. Snapshots for which it is undefined are left out.';
COMMENT ON COLUMN analytics.vw_category_dominance_index.volume_to_market_cap_ratio IS
'volume / market_cap; NULL where that is undefined.';
