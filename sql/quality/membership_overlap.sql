-- table: link_crypto_category
-- severity: error
-- description: Two memberships of one coin in one category overlap or touch.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table link_crypto_category --rebuild`); report it if it comes back.
WITH touched AS (
    SELECT DISTINCT crypto_id, category_id FROM dwh.link_crypto_category
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
    OR valid_from IN (SELECT snapshot_timestamp FROM scope)
), memberships AS (
    SELECT l.crypto_id, l.category_id, l.valid_from, l.valid_to,
        lead(l.valid_from) OVER (PARTITION BY l.crypto_id, l.category_id ORDER BY l.valid_from) AS next_from
    FROM touched JOIN dwh.link_crypto_category AS l USING (crypto_id, category_id)
)
SELECT crypto_id, category_id, valid_from, valid_to, next_from
FROM memberships
WHERE next_from <= coalesce(valid_to, 'infinity')
ORDER BY category_id, crypto_id, valid_from
