-- table: dim_exchange_map
-- severity: info
-- description: An exchange of the map has neither fees nor visits.
-- action: Nothing: many small exchanges publish none. For many more than before, see the newest exchange/info.
SELECT exchange_id, snapshot_timestamp, info_snapshot_timestamp
FROM dwh.dim_exchange_map
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND maker_fee IS NULL AND taker_fee IS NULL AND weekly_visits IS NULL
ORDER BY snapshot_timestamp, exchange_id
