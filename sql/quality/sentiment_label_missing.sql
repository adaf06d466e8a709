-- table: fact_market_sentiment
-- severity: warning
-- description: A score has no label.
-- action: Look at the record in Bronze (`cryptoelt trace fact_market_sentiment snapshot_timestamp=...`): the API left it out, or calls it otherwise now.
SELECT snapshot_timestamp, fear_greed_score
FROM dwh.fact_market_sentiment
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND sentiment_label IS NULL
ORDER BY snapshot_timestamp
