-- table: fact_global_market
-- severity: warning
-- description: Less than a thousandth, or more than ten times, of the market's worth was traded in a day.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`).
SELECT snapshot_timestamp, total_volume_24h, total_market_cap, market_liquidity_ratio
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND market_liquidity_ratio NOT BETWEEN 0.001 AND 10
ORDER BY snapshot_timestamp
