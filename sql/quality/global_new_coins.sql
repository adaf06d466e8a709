-- table: fact_global_market
-- severity: warning
-- description: Numbers of new coins contradict one another: a longer time has fewer, or a month more than its best days.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`); do not trust the growth rate.
SELECT snapshot_timestamp, new_cryptos_today, new_cryptos_last_24h, new_cryptos_last_7d, new_cryptos_last_30d,
    max_daily_new_cryptos
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (
    new_cryptos_today > new_cryptos_last_24h OR new_cryptos_last_24h > new_cryptos_last_7d
    OR new_cryptos_last_7d > new_cryptos_last_30d OR new_cryptos_last_30d > 30 * max_daily_new_cryptos
    OR min_daily_new_cryptos > max_daily_new_cryptos
)
ORDER BY snapshot_timestamp
