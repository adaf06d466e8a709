-- table: dim_crypto_category
-- severity: error
-- description: A category is marked as inferred without its source, has a source without the mark, or is inferred and has a history.
-- action: Rebuild the table from Bronze (`cryptoelt backfill --table dim_crypto_category --rebuild`); report it if it comes back.
SELECT d.category_id, d.is_inferred, d.inferred_from
FROM dwh.dim_crypto_category AS d
WHERE d.is_inferred <> (d.inferred_from IS NOT NULL)
OR d.is_inferred AND EXISTS (SELECT FROM dwh.dim_crypto_category_history AS h WHERE h.category_id = d.category_id)
ORDER BY d.category_id
