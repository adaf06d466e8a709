-- table: fact_global_market
-- severity: warning
-- description: More coins or exchanges are active than there are.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`); do not trust the growth rate.
SELECT snapshot_timestamp, active_cryptocurrencies, total_cryptocurrencies, active_exchanges, total_exchanges
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (active_cryptocurrencies > total_cryptocurrencies OR active_exchanges > total_exchanges)
ORDER BY snapshot_timestamp
