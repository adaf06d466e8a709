-- table: fact_global_market
-- severity: warning
-- description: A dominance is outside 0 to 100 %, or those of Bitcoin and Ether are more than all.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`).
SELECT snapshot_timestamp, btc_dominance, eth_dominance
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (
    btc_dominance NOT BETWEEN 0 AND 100 OR eth_dominance NOT BETWEEN 0 AND 100 OR btc_dominance + eth_dominance > 100
)
ORDER BY snapshot_timestamp
