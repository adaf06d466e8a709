-- table: link_crypto_category
-- severity: error
-- description: A category is gone from the newest list of categories and still has members.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table link_crypto_category --rebuild`); report it if it comes back.
WITH newest AS (
    SELECT max(snapshot_timestamp) AS snapshot_timestamp FROM dwh.fact_crypto_category
    WHERE snapshot_timestamp <> ALL (ARRAY(
        SELECT snapshot_timestamp FROM ops.incomplete_snapshot
        WHERE table_name = 'fact_crypto_category' AND completed_at IS NULL
    ))
)
SELECT l.category_id, n.snapshot_timestamp AS gone_at, count(*) AS members
FROM dwh.link_crypto_category AS l JOIN newest AS n ON l.valid_from < n.snapshot_timestamp
WHERE l.valid_to IS NULL AND NOT EXISTS (
    SELECT FROM dwh.fact_crypto_category AS f
    WHERE f.category_id = l.category_id AND f.snapshot_timestamp = n.snapshot_timestamp
) AND NOT EXISTS (
    -- A list of which a record was quarantined may lack a category that is there.
    SELECT FROM ops.quarantine AS q
    WHERE q.table_name = 'fact_crypto_category' AND q.snapshot_timestamp = n.snapshot_timestamp
)
GROUP BY l.category_id, n.snapshot_timestamp
ORDER BY l.category_id
