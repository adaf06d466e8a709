-- table: fact_crypto_market
-- severity: error
-- description: A KPI of a coin is not what its formula gives, or is there where it is undefined.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table fact_crypto_market --rebuild`); report it if it comes back.
SELECT f.crypto_id, f.snapshot_timestamp, k.kpi, k.stored, e.expected
FROM dwh.fact_crypto_market AS f CROSS JOIN LATERAL (VALUES
    ('volume_to_market_cap_ratio', f.volume_to_market_cap_ratio, f.volume_24h_usd, f.market_cap_usd, false),
    ('missing_supply_ratio', f.missing_supply_ratio, f.total_supply - f.circulating_supply, f.total_supply, false),
    ('supply_utilization', f.supply_utilization, f.circulating_supply, f.max_supply, false),
    ('fully_diluted_cap_ratio', f.fully_diluted_cap_ratio, f.fully_diluted_market_cap_usd, f.market_cap_usd, false)
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
ORDER BY f.crypto_id, f.snapshot_timestamp, k.kpi
