CREATE OR REPLACE VIEW analytics.vw_top_categories_by_market_cap AS
SELECT
    f.category_id,
    c.name,
    f.snapshot_timestamp,
    f.market_cap,
    CASE
        WHEN f.market_cap IS NOT NULL
            THEN rank() OVER (PARTITION BY f.snapshot_timestamp ORDER BY f.market_cap DESC NULLS LAST)
    END AS category_rank
FROM dwh.fact_crypto_category AS f
LEFT JOIN dwh.dim_crypto_category AS c ON c.category_id = f.category_id
-- A rank within a list that was cut short is none.
WHERE f.snapshot_timestamp <> ALL (ARRAY(
    SELECT i.snapshot_timestamp
    FROM ops.incomplete_snapshot AS i
    WHERE i.table_name = 'fact_crypto_category' AND i.completed_at IS NULL
));

COMMENT ON VIEW analytics.vw_top_categories_by_market_cap IS
'Categories ranked by market cap within each snapshot, for dashboards: filter one snapshot and category_rank <= N. '
'Incomplete snapshots are left out.';
COMMENT ON COLUMN analytics.vw_top_categories_by_market_cap.name IS 'As the newest snapshot names the category.';
COMMENT ON COLUMN analytics.vw_top_categories_by_market_cap.market_cap IS 'USD.';
COMMENT ON COLUMN analytics.vw_top_categories_by_market_cap.category_rank IS
'1 is the largest; equal caps share a rank and the next one is skipped; NULL without a cap.';
