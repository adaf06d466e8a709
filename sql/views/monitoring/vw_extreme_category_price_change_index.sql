CREATE OR REPLACE VIEW monitoring.vw_extreme_category_price_change_index AS
SELECT
    f.category_id,
    c.name,
    f.snapshot_timestamp,
    f.num_tokens,
    f.avg_price_change,
    f.price_change_index
FROM dwh.fact_crypto_category AS f
LEFT JOIN dwh.dim_crypto_category AS c ON c.category_id = f.category_id
WHERE f.price_change_index < -100 OR f.price_change_index > 1000;

COMMENT ON VIEW monitoring.vw_extreme_category_price_change_index IS
'Snapshots at which the price change index of a category is below -100 or above 1000, for whoever judges the data. A '
'large category reaches that with a small mean change: look at num_tokens too.';
COMMENT ON COLUMN monitoring.vw_extreme_category_price_change_index.avg_price_change IS
'Percent over 24 hours, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN monitoring.vw_extreme_category_price_change_index.price_change_index IS
'avg_price_change * num_tokens.';
