-- table: dim_exchange_map
-- severity: warning
-- description: More than half of a map's exchanges have an info older than fourteen days, or none.
-- action: See why the weekly run is missed (`cryptoelt status`).
SELECT snapshot_timestamp, count(*) AS exchanges, min(info_snapshot_timestamp) AS oldest_info
FROM dwh.dim_exchange_map
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
GROUP BY snapshot_timestamp
HAVING count(*) FILTER (WHERE info_snapshot_timestamp >= snapshot_timestamp - interval '14 days') < count(*) / 2.0
ORDER BY snapshot_timestamp
