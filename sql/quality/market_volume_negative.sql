-- table: fact_crypto_market
-- severity: warning
-- description: A traded volume or a number of market pairs is below zero.
-- action: Look at the record in Bronze (`cryptoelt trace fact_crypto_market crypto_id=... snapshot_timestamp=...`).
SELECT crypto_id, snapshot_timestamp, volume_24h_usd, num_market_pairs
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (volume_24h_usd < 0 OR num_market_pairs < 0)
ORDER BY snapshot_timestamp, crypto_id
