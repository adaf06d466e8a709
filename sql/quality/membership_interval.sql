-- table: link_crypto_category
-- severity: error
-- description: A membership ends before it begins, or was last changed at neither moment.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table link_crypto_category --rebuild`); report it if it comes back.
SELECT crypto_id, category_id, valid_from, valid_to, snapshot_timestamp
FROM dwh.link_crypto_category
WHERE valid_to <= valid_from OR snapshot_timestamp <> coalesce(valid_to, valid_from)
ORDER BY category_id, crypto_id, valid_from
