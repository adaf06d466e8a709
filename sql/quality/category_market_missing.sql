-- table: fact_crypto_category
-- severity: info
-- description: A category has no worth, no volume or no number of tokens.
-- action: Nothing for a few categories; for many, see whether the API has renamed a field.
SELECT category_id, snapshot_timestamp, market_cap, volume, num_tokens
FROM dwh.fact_crypto_category
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (market_cap IS NULL OR volume IS NULL OR num_tokens IS NULL)
ORDER BY snapshot_timestamp, category_id
