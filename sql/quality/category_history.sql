-- table: dim_crypto_category
-- severity: error
-- description: The versions of a category do not follow one another without a gap or an overlap.
-- action: Rebuild the table from Bronze (`cryptoelt backfill --table dim_crypto_category --rebuild`); report it if it comes back.
WITH touched AS (
    SELECT category_id FROM dwh.dim_crypto_category WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
    UNION
    SELECT category_id FROM dwh.dim_crypto_category_history
    WHERE valid_from IN (SELECT snapshot_timestamp FROM scope)
    OR valid_to IN (SELECT snapshot_timestamp FROM scope)
), versions AS (
    SELECT h.category_id, h.valid_from, h.valid_to, h.snapshot_timestamp,
        coalesce(lead(h.valid_from) OVER of_member, d.snapshot_timestamp) AS follows_at
    FROM touched JOIN dwh.dim_crypto_category_history AS h USING (category_id)
    LEFT JOIN dwh.dim_crypto_category AS d USING (category_id)
    WINDOW of_member AS (PARTITION BY h.category_id ORDER BY h.valid_from)
)
SELECT category_id, valid_from, valid_to, follows_at
FROM versions
WHERE valid_from >= valid_to OR valid_to IS DISTINCT FROM follows_at OR snapshot_timestamp <> valid_from
ORDER BY category_id, valid_from
