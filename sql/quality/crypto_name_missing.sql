-- table: dim_crypto_id
-- severity: warning
-- description: A coin of the map has no name, symbol or slug.
-- action: Look at the record in Bronze: the API left it out, or calls it otherwise now.
SELECT crypto_id, snapshot_timestamp, name, symbol, slug
FROM dwh.dim_crypto_id
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND NOT is_inferred AND (name IS NULL OR symbol IS NULL OR slug IS NULL)
ORDER BY crypto_id
