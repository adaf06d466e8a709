CREATE OR REPLACE VIEW analytics.vw_crypto_supply_utilization AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.circulating_supply,
    f.total_supply,
    f.max_supply,
    f.infinite_supply,
    f.self_reported_circulating_supply,
    f.supply_utilization,
    f.missing_supply_ratio,
    f.fully_diluted_cap_ratio
FROM dwh.fact_crypto_market AS f
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE f.supply_utilization IS NOT NULL;

COMMENT ON VIEW analytics.vw_crypto_supply_utilization IS
'How much of its possible supply each coin has issued, over time, for analysts. Only coins with a maximum: for the '
'others the utilization is undefined, which is NULL and not 0.';
COMMENT ON COLUMN analytics.vw_crypto_supply_utilization.name IS 'As the newest map names the coin.';
COMMENT ON COLUMN analytics.vw_crypto_supply_utilization.symbol IS 'As the newest map names the coin; not unique.';
COMMENT ON COLUMN analytics.vw_crypto_supply_utilization.self_reported_circulating_supply IS
'What the project says itself; the provider has not verified it.';
COMMENT ON COLUMN analytics.vw_crypto_supply_utilization.supply_utilization IS 'circulating_supply / max_supply.';
COMMENT ON COLUMN analytics.vw_crypto_supply_utilization.missing_supply_ratio IS
'(total_supply - circulating_supply) / total_supply; NULL where that is undefined.';
COMMENT ON COLUMN analytics.vw_crypto_supply_utilization.fully_diluted_cap_ratio IS
'Fully diluted market cap / market cap; NULL where that is undefined.';
