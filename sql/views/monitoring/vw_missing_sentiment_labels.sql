CREATE OR REPLACE VIEW monitoring.vw_missing_sentiment_labels AS
SELECT snapshot_timestamp, fear_greed_score, sentiment_label, value_timestamp, load_batch_id
FROM dwh.fact_market_sentiment
WHERE sentiment_label IS NULL OR sentiment_label !~ '\S';

COMMENT ON VIEW monitoring.vw_missing_sentiment_labels IS
    'Values of the fear and greed index without a label: absent or blank.';
