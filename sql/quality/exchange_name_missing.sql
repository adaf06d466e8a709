-- table: dim_exchange_id
-- severity: warning
-- description: An exchange of the map has no name.
-- action: Look at the record in Bronze: the API left it out, or calls it otherwise now.
SELECT exchange_id, snapshot_timestamp
FROM dwh.dim_exchange_id
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND NOT is_inferred AND name IS NULL
ORDER BY exchange_id
