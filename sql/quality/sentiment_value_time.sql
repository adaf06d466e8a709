-- table: fact_market_sentiment
-- severity: warning
-- description: A value was not updated for two days, or after it was asked for.
-- action: See whether the API is in trouble; a wrong clock of this machine looks like this too.
SELECT snapshot_timestamp, value_timestamp
FROM dwh.fact_market_sentiment
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND value_timestamp NOT BETWEEN snapshot_timestamp - interval '2 days' AND snapshot_timestamp + interval '5 minutes'
ORDER BY snapshot_timestamp
