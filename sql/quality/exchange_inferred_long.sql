-- table: dim_exchange_id
-- severity: warning
-- description: An exchange that others name has been missing in the map for more than seven days.
-- action: See that the daily run asks exchange/map (`cryptoelt status`); an exchange that was closed stays like this.
SELECT exchange_id, name, inferred_from, snapshot_timestamp
FROM dwh.dim_exchange_id
WHERE is_inferred AND snapshot_timestamp < (SELECT now FROM clock) - interval '7 days'
ORDER BY snapshot_timestamp, exchange_id
