-- table: dim_exchange_map
-- severity: warning
-- description: A snapshot has less than 80 % of the rows that are usual: the median of the 30 days before it.
-- action: Look for quarantined records of the snapshot and at the journal of exchange/map.
WITH counted AS (
    SELECT snapshot_timestamp, count(*) AS rows_found
    FROM dwh.dim_exchange_map
    WHERE snapshot_timestamp >= (SELECT min(snapshot_timestamp) FROM scope) - interval '30 days'
    GROUP BY snapshot_timestamp
)
SELECT s.snapshot_timestamp, coalesce(c.rows_found, 0) AS rows_found, before.usual
FROM scope AS s LEFT JOIN counted AS c USING (snapshot_timestamp) CROSS JOIN LATERAL (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY b.rows_found) AS usual, count(*) AS snapshots
    FROM counted AS b
    WHERE b.snapshot_timestamp < s.snapshot_timestamp
    AND b.snapshot_timestamp >= s.snapshot_timestamp - interval '30 days'
) AS before
WHERE before.snapshots >= 3 AND coalesce(c.rows_found, 0) < 0.8 * before.usual
ORDER BY s.snapshot_timestamp
