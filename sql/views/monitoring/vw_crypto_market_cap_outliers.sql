CREATE OR REPLACE VIEW monitoring.vw_crypto_market_cap_outliers AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.market_cap_usd,
    f.volume_24h_usd,
    f.volume_to_market_cap_ratio
FROM dwh.fact_crypto_market AS f
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE f.volume_to_market_cap_ratio > 10;

COMMENT ON VIEW monitoring.vw_crypto_market_cap_outliers IS
'Snapshots at which a coin traded more than ten times its market cap in a day, for whoever judges the data: its '
'volume is inflated or its cap too small. Despite the name, which is kept for those who use it, no cap is compared '
'with other caps.';
COMMENT ON COLUMN monitoring.vw_crypto_market_cap_outliers.volume_to_market_cap_ratio IS
'volume_24h_usd / market_cap_usd; usually below 1.';
