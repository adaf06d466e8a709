-- table: dim_exchange_id
-- severity: error
-- description: The versions of an exchange do not follow one another without a gap or an overlap.
-- action: Rebuild the table from Bronze (`cryptoelt backfill --table dim_exchange_id --rebuild`); report it if it comes back.
WITH touched AS (
    SELECT exchange_id FROM dwh.dim_exchange_id WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
    UNION
    SELECT exchange_id FROM dwh.dim_exchange_id_history
    WHERE valid_from IN (SELECT snapshot_timestamp FROM scope)
    OR valid_to IN (SELECT snapshot_timestamp FROM scope)
), versions AS (
    SELECT h.exchange_id, h.valid_from, h.valid_to, h.snapshot_timestamp,
        coalesce(lead(h.valid_from) OVER of_member, d.snapshot_timestamp) AS follows_at
    FROM touched JOIN dwh.dim_exchange_id_history AS h USING (exchange_id)
    LEFT JOIN dwh.dim_exchange_id AS d USING (exchange_id)
    WINDOW of_member AS (PARTITION BY h.exchange_id ORDER BY h.valid_from)
)
SELECT exchange_id, valid_from, valid_to, follows_at
FROM versions
WHERE valid_from >= valid_to OR valid_to IS DISTINCT FROM follows_at OR snapshot_timestamp <> valid_from
ORDER BY exchange_id, valid_from
