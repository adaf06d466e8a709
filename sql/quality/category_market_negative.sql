-- table: fact_crypto_category
-- severity: warning
-- description: A category's worth, volume or number of tokens is below zero.
-- action: Look at the record in Bronze (`cryptoelt trace fact_crypto_category category_id=...`).
SELECT category_id, snapshot_timestamp, market_cap, volume, num_tokens
FROM dwh.fact_crypto_category
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (least(market_cap, volume) < 0 OR num_tokens < 0)
ORDER BY snapshot_timestamp, category_id
