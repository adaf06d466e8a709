-- table: fact_crypto_market
-- severity: warning
-- description: A price is below zero.
-- action: Look at the record in Bronze (`cryptoelt trace fact_crypto_market crypto_id=... snapshot_timestamp=...`); leave the coin out of what is computed until it is right.
SELECT crypto_id, snapshot_timestamp, price_usd
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND price_usd < 0
ORDER BY snapshot_timestamp, crypto_id
