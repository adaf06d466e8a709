-- table: dim_crypto_category
-- severity: warning
-- description: A category of the list has no name.
-- action: Look at the record in Bronze: the API left it out, or calls it otherwise now.
SELECT category_id, snapshot_timestamp
FROM dwh.dim_crypto_category
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND NOT is_inferred AND name IS NULL
ORDER BY category_id
