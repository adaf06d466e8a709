-- table: fact_global_market
-- severity: error
-- description: A KPI of the whole market is not what its formula gives, or is there where it is undefined.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table fact_global_market --rebuild`); report it if it comes back.
SELECT f.snapshot_timestamp, k.kpi, k.stored, e.expected
FROM dwh.fact_global_market AS f CROSS JOIN LATERAL (VALUES
    ('btc_dominance_delta', f.btc_dominance_delta, f.btc_dominance - f.btc_dominance_yesterday, 1, false),
    ('eth_dominance_delta', f.eth_dominance_delta, f.eth_dominance - f.eth_dominance_yesterday, 1, false),
    ('defi_volume_share', f.defi_volume_share, f.defi_volume_24h, f.total_volume_24h, false),
    ('stablecoin_market_share', f.stablecoin_market_share, f.stablecoin_market_cap, f.total_market_cap, false),
    ('market_liquidity_ratio', f.market_liquidity_ratio, f.total_volume_24h, f.total_market_cap, false),
    ('crypto_growth_rate_30d', f.crypto_growth_rate_30d, f.new_cryptos_last_30d, f.total_cryptocurrencies, false)
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
ORDER BY f.snapshot_timestamp, k.kpi
