-- table: load_batch
-- severity: warning
-- description: A snapshot lies in the future.
-- action: Set the clock of the machine that asks the API, and take the snapshot out (`cryptoelt bronze set-aside --future`).
SELECT b.load_batch_id, b.table_name, moment AS snapshot_timestamp
FROM ops.load_batch AS b CROSS JOIN unnest(b.snapshots) AS moment
WHERE moment IN (SELECT snapshot_timestamp FROM scope) AND moment > (SELECT now FROM clock) + interval '5 minutes'
ORDER BY b.load_batch_id, moment
