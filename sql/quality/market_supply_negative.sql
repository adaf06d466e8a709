-- table: fact_crypto_market
-- severity: warning
-- description: A supply is below zero.
-- action: Look at the record in Bronze (`cryptoelt trace fact_crypto_market crypto_id=... snapshot_timestamp=...`).
SELECT crypto_id, snapshot_timestamp, circulating_supply, total_supply, max_supply, self_reported_circulating_supply
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND least(circulating_supply, total_supply, max_supply, self_reported_circulating_supply) < 0
ORDER BY snapshot_timestamp, crypto_id
