-- table: dim_crypto_info
-- severity: warning
-- description: The info of a coin has no slug.
-- action: Look at the record in Bronze: the API left it out, or calls it otherwise now.
SELECT crypto_id, snapshot_timestamp
FROM dwh.dim_crypto_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND slug IS NULL
ORDER BY crypto_id
