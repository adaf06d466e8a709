CREATE OR REPLACE VIEW analytics.vw_category_price_change_index AS
SELECT
    f.category_id,
    c.name,
    f.snapshot_timestamp,
    f.num_tokens,
    f.avg_price_change,
    f.price_change_index
FROM dwh.fact_crypto_category AS f
LEFT JOIN dwh.dim_crypto_category AS c ON c.category_id = f.category_id
WHERE f.price_change_index IS NOT NULL;

COMMENT ON VIEW analytics.vw_category_price_change_index IS
'How strongly the prices of each category move, weighted by how many coins it has, over time; for analysts.';
COMMENT ON COLUMN analytics.vw_category_price_change_index.name IS 'As the newest snapshot names the category.';
COMMENT ON COLUMN analytics.vw_category_price_change_index.avg_price_change IS
'Percent over 24 hours, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN analytics.vw_category_price_change_index.price_change_index IS
'avg_price_change * num_tokens. Snapshots for which it is undefined are left out.';
