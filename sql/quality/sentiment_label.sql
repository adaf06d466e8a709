-- table: fact_market_sentiment
-- severity: warning
-- description: A label is unknown, or not that of its score.
-- action: See whether the API has moved its bands (20, 40, 60, 80) or renamed a label.
SELECT snapshot_timestamp, fear_greed_score, sentiment_label
FROM dwh.fact_market_sentiment
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND sentiment_label IS NOT NULL AND NOT coalesce(fear_greed_score BETWEEN 0 AND 100 AND CASE lower(sentiment_label)
    -- A point more on either side: the label is that of the score before it was rounded.
    WHEN 'extreme fear' THEN fear_greed_score <= 20
    WHEN 'fear' THEN fear_greed_score BETWEEN 19 AND 40
    WHEN 'neutral' THEN fear_greed_score BETWEEN 39 AND 60
    WHEN 'greed' THEN fear_greed_score BETWEEN 59 AND 80
    WHEN 'extreme greed' THEN fear_greed_score >= 79
END, false)
ORDER BY snapshot_timestamp
