CREATE OR REPLACE VIEW monitoring.vw_supply_utilization_outliers AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.circulating_supply,
    f.max_supply,
    f.supply_utilization
FROM dwh.fact_crypto_market AS f
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE f.supply_utilization > 1.1;

COMMENT ON VIEW monitoring.vw_supply_utilization_outliers IS
'Snapshots at which a coin has over 10 % more in circulation than its maximum allows, for whoever judges the data: '
'one of the two figures is wrong at the source.';
COMMENT ON COLUMN monitoring.vw_supply_utilization_outliers.supply_utilization IS 'circulating_supply / max_supply.';
