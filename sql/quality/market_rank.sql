-- table: fact_crypto_market
-- severity: warning
-- description: The listing gives a coin a rank below 1.
-- action: Look at the record in Bronze (`cryptoelt trace fact_crypto_market crypto_id=... snapshot_timestamp=...`): a rank counts from 1.
SELECT crypto_id, snapshot_timestamp, cmc_rank
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND cmc_rank < 1
ORDER BY snapshot_timestamp, crypto_id
