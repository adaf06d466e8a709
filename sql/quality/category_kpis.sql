-- table: fact_crypto_category
-- severity: error
-- description: A KPI of a category is not what its formula gives, or is there where it is undefined.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table fact_crypto_category --rebuild`); report it if it comes back.
SELECT f.category_id, f.snapshot_timestamp, k.kpi, k.stored, e.expected
FROM dwh.fact_crypto_category AS f CROSS JOIN LATERAL (VALUES
    ('volume_to_market_cap_ratio', f.volume_to_market_cap_ratio, f.volume, f.market_cap, false),
    ('dominance_per_token', f.dominance_per_token, f.market_cap, f.num_tokens, false),
    ('market_cap_change_rate', f.market_cap_change_rate, f.market_cap_change, 100, false),
    ('volume_change_rate', f.volume_change_rate, f.volume_change, 100, false),
    ('price_change_index', f.price_change_index, f.avg_price_change, f.num_tokens, true)
) AS k (kpi, stored, x, y, is_product) CROSS JOIN LATERAL (
    SELECT CASE
        -- What is near the limits of a double is believed: PostgreSQL refuses to compute with it.
        WHEN NOT (k.x = 0 OR abs(k.x) BETWEEN 1e-150 AND 1e150) OR NOT (k.y = 0 OR abs(k.y) BETWEEN 1e-150 AND 1e150)
        THEN k.stored
        WHEN k.is_product THEN k.x * k.y
        ELSE k.x / nullif(k.y, 0)
    END AS expected
) AS e
WHERE f.snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (
    (k.stored IS NULL) <> (e.expected IS NULL) OR abs(k.stored - e.expected) > 1e-9 * abs(e.expected)
)
ORDER BY f.category_id, f.snapshot_timestamp, k.kpi
