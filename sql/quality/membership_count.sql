-- table: link_crypto_category
-- severity: info
-- description: The members known of a category are a fifth more or fewer than it says it has.
-- action: Nothing: it is asked again when its number changes, and after membership_days at the latest.
WITH asked AS (
    SELECT DISTINCT category_id FROM dwh.link_crypto_category
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
), members AS (
    SELECT category_id, count(*) AS members FROM asked JOIN dwh.link_crypto_category USING (category_id)
    WHERE valid_to IS NULL GROUP BY category_id
)
SELECT m.category_id, f.snapshot_timestamp, m.members, f.num_tokens
FROM members AS m CROSS JOIN LATERAL (
    SELECT snapshot_timestamp, num_tokens FROM dwh.fact_crypto_category AS f
    WHERE f.category_id = m.category_id ORDER BY snapshot_timestamp DESC LIMIT 1
) AS f
WHERE abs(m.members - f.num_tokens) > greatest(5, 0.2 * f.num_tokens)
ORDER BY m.category_id
