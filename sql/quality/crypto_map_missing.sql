-- table: dim_crypto_map
-- severity: info
-- description: A coin of the map has no rank or no status.
-- action: Nothing for a few coins; for many, see whether the API has renamed a field.
SELECT crypto_id, snapshot_timestamp, rank, is_active
FROM dwh.dim_crypto_map
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND (rank IS NULL OR is_active IS NULL)
ORDER BY snapshot_timestamp, crypto_id
