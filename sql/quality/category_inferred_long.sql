-- table: dim_crypto_category
-- severity: warning
-- description: A category that others name has been missing in the list of categories for more than seven days.
-- action: See that the 10x run asks cryptocurrency/categories (`cryptoelt status`).
SELECT category_id, name, inferred_from, snapshot_timestamp
FROM dwh.dim_crypto_category
WHERE is_inferred AND snapshot_timestamp < (SELECT now FROM clock) - interval '7 days'
ORDER BY snapshot_timestamp, category_id
