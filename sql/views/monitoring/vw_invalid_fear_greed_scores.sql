CREATE OR REPLACE VIEW monitoring.vw_invalid_fear_greed_scores AS
SELECT snapshot_timestamp, fear_greed_score, sentiment_label, value_timestamp, load_batch_id
FROM dwh.fact_market_sentiment
WHERE fear_greed_score NOT BETWEEN 0 AND 100;

COMMENT ON VIEW monitoring.vw_invalid_fear_greed_scores IS
    'Scores of the fear and greed index outside of 0 to 100.';
