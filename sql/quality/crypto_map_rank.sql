-- table: dim_crypto_map
-- severity: warning
-- description: The map gives a coin a rank below 1.
-- action: Look at the record in Bronze (`cryptoelt trace`): a rank counts from 1.
SELECT crypto_id, snapshot_timestamp, rank
FROM dwh.dim_crypto_map
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND rank < 1
ORDER BY snapshot_timestamp, crypto_id
