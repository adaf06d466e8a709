-- table: dim_exchange_info
-- severity: error
-- description: The currencies of an exchange hold an empty one, or one twice.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table dim_exchange_info --rebuild`); report it if it comes back.
SELECT exchange_id, snapshot_timestamp, fiats
FROM dwh.dim_exchange_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND (
    array_position(fiats, NULL) IS NOT NULL OR '' = ANY(fiats)
    OR cardinality(fiats) > (SELECT count(DISTINCT fiat) FROM unnest(fiats) AS fiat)
)
ORDER BY exchange_id
