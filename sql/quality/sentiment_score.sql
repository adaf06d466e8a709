-- table: fact_market_sentiment
-- severity: warning
-- description: A score is missing, or outside 0 to 100.
-- action: Look at the record in Bronze (`cryptoelt trace fact_market_sentiment snapshot_timestamp=...`).
SELECT snapshot_timestamp, fear_greed_score, sentiment_label
FROM dwh.fact_market_sentiment
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (fear_greed_score IS NULL OR fear_greed_score NOT BETWEEN 0 AND 100)
ORDER BY snapshot_timestamp
