-- table: dim_crypto_id
-- severity: warning
-- description: A coin that is listed has been missing in the map for more than seven days.
-- action: See that the daily run asks cryptocurrency/map, page after page (`cryptoelt status`).
SELECT crypto_id, name, inferred_from, snapshot_timestamp
FROM dwh.dim_crypto_id
-- Wallets and categories also name coins that are traded no more, which no map shows.
WHERE is_inferred AND inferred_from IN ('fact_crypto_market', 'dim_crypto_map')
AND snapshot_timestamp < (SELECT now FROM clock) - interval '7 days'
ORDER BY snapshot_timestamp, crypto_id
