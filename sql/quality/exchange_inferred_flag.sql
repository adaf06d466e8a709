-- table: dim_exchange_id
-- severity: error
-- description: An exchange is marked as inferred without its source, has a source without the mark, or is inferred and has a history.
-- action: Rebuild the table from Bronze (`cryptoelt backfill --table dim_exchange_id --rebuild`); report it if it comes back.
SELECT d.exchange_id, d.is_inferred, d.inferred_from
FROM dwh.dim_exchange_id AS d
WHERE d.is_inferred <> (d.inferred_from IS NOT NULL)
OR d.is_inferred AND EXISTS (SELECT FROM dwh.dim_exchange_id_history AS h WHERE h.exchange_id = d.exchange_id)
ORDER BY d.exchange_id
