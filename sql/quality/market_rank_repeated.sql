-- table: fact_crypto_market
-- severity: info
-- description: Two coins of one listing have the same rank.
-- action: Nothing: the provider ranks some coins twice (up to one in 40). Do not take the rank for a key.
SELECT snapshot_timestamp, cmc_rank, count(*) AS coins, min(crypto_id) AS crypto_id
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND cmc_rank IS NOT NULL
GROUP BY snapshot_timestamp, cmc_rank
HAVING count(*) > 1
ORDER BY snapshot_timestamp, cmc_rank
