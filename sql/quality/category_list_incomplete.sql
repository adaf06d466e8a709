-- table: fact_crypto_category
-- severity: warning
-- description: A list, its quarantined records included, has less than 80 % of the categories that are usual: the median of the 7 days before it.
-- action: See what was sent (`cryptoelt trace`): memberships of the categories that the list lacks have been ended.
WITH counted AS (
    SELECT snapshot_timestamp, count(*) AS rows_found
    FROM dwh.fact_crypto_category
    WHERE snapshot_timestamp >= (SELECT min(snapshot_timestamp) FROM scope) - interval '7 days'
    GROUP BY snapshot_timestamp
)
SELECT s.snapshot_timestamp, found.rows_found, before.usual
FROM scope AS s LEFT JOIN counted AS c USING (snapshot_timestamp) CROSS JOIN LATERAL (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY b.rows_found) AS usual
    FROM counted AS b
    WHERE b.snapshot_timestamp < s.snapshot_timestamp
    AND b.snapshot_timestamp >= s.snapshot_timestamp - interval '7 days'
) AS before CROSS JOIN LATERAL (
    SELECT coalesce(c.rows_found, 0) + count(*) AS rows_found
    FROM ops.quarantine AS q
    WHERE q.table_name = 'fact_crypto_category' AND q.snapshot_timestamp = s.snapshot_timestamp
) AS found
WHERE found.rows_found < 0.8 * before.usual
ORDER BY s.snapshot_timestamp
