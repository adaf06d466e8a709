-- table: fact_crypto_category
-- severity: info
-- description: A category's price change index is below -100 or above 1,000.
-- action: Do not trust the average: one coin whose price multiplied moves it.
SELECT category_id, snapshot_timestamp, avg_price_change, num_tokens, price_change_index
FROM dwh.fact_crypto_category
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND price_change_index NOT BETWEEN -100 AND 1000
ORDER BY snapshot_timestamp, category_id
