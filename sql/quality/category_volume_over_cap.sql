-- table: fact_crypto_category
-- severity: info
-- description: More than ten times a category's worth was traded in a day.
-- action: Do not trust the volume: it may be wash trading, or supplies are not known.
SELECT category_id, snapshot_timestamp, volume, market_cap, volume_to_market_cap_ratio
FROM dwh.fact_crypto_category
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND volume_to_market_cap_ratio > 10
ORDER BY snapshot_timestamp, category_id
