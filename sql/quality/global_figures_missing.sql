-- table: fact_global_market
-- severity: warning
-- description: The market's worth, its volume or Bitcoin's dominance is missing.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`): the API left it out, or calls it otherwise now.
SELECT snapshot_timestamp, total_market_cap, total_volume_24h, btc_dominance
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (total_market_cap IS NULL OR total_volume_24h IS NULL OR btc_dominance IS NULL)
ORDER BY snapshot_timestamp
