-- table: fact_crypto_market
-- severity: info
-- description: More coins circulate than exist, or a tenth more than may ever exist.
-- action: Nothing: providers of a coin report its supplies at different times. Do not trust its utilisation.
SELECT crypto_id, snapshot_timestamp, circulating_supply, total_supply, max_supply
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (circulating_supply > 1.1 * nullif(total_supply, 0) OR circulating_supply > 1.1 * nullif(max_supply, 0))
ORDER BY snapshot_timestamp, crypto_id
