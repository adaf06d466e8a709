-- table: fact_crypto_market
-- severity: warning
-- description: The shares of the listed coins in the market do not add up to 95 to 101 %.
-- action: See whether coins are missing (market_incomplete, `cryptoelt quarantine list`) or listings_limit is small.
SELECT snapshot_timestamp, sum(market_cap_dominance_usd) AS dominance, count(*) AS coins
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
GROUP BY snapshot_timestamp
HAVING sum(market_cap_dominance_usd) NOT BETWEEN 95 AND 101
ORDER BY snapshot_timestamp
