-- table: fact_crypto_market
-- severity: warning
-- description: Two coins of one listing have the same rank.
-- action: See whether the listing took several pages while ranks moved (batch_index): one call of 5,000 is consistent.
SELECT snapshot_timestamp, cmc_rank, count(*) AS coins, min(crypto_id) AS crypto_id
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND cmc_rank IS NOT NULL
GROUP BY snapshot_timestamp, cmc_rank
HAVING count(*) > 1
ORDER BY snapshot_timestamp, cmc_rank
