-- table: dim_crypto_map
-- severity: warning
-- description: The status of a coin is neither 0 nor 1.
-- action: Look at the record in Bronze (`cryptoelt trace`): the API may have a new status.
SELECT crypto_id, snapshot_timestamp, is_active
FROM dwh.dim_crypto_map
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND is_active NOT IN (0, 1)
ORDER BY snapshot_timestamp, crypto_id
