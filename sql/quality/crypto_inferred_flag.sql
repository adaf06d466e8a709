-- table: dim_crypto_id
-- severity: error
-- description: A coin is marked as inferred without its source, has a source without the mark, or is inferred and has a history.
-- action: Rebuild the table from Bronze (`cryptoelt backfill --table dim_crypto_id --rebuild`); report it if it comes back.
SELECT d.crypto_id, d.is_inferred, d.inferred_from
FROM dwh.dim_crypto_id AS d
WHERE d.is_inferred <> (d.inferred_from IS NOT NULL)
OR d.is_inferred AND EXISTS (SELECT FROM dwh.dim_crypto_id_history AS h WHERE h.crypto_id = d.crypto_id)
ORDER BY d.crypto_id
