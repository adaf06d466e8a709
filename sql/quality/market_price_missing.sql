-- table: fact_crypto_market
-- severity: info
-- description: A listed coin has no price.
-- action: Nothing for a few coins; for many, see whether the API has renamed a field.
SELECT crypto_id, snapshot_timestamp, cmc_rank
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND price_usd IS NULL
ORDER BY snapshot_timestamp, crypto_id
