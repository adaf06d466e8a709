-- table: dim_crypto_info
-- severity: error
-- description: The day of a coin's info is not the UTC day of its snapshot.
-- action: Rebuild the table from Bronze (`cryptoelt backfill --table dim_crypto_info --rebuild`); report it if it comes back.
SELECT crypto_id, snapshot_timestamp, snapshot_date
FROM dwh.dim_crypto_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND snapshot_date IS DISTINCT FROM (snapshot_timestamp AT TIME ZONE 'UTC')::date
ORDER BY crypto_id
