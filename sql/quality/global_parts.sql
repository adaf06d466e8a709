-- table: fact_global_market
-- severity: warning
-- description: Altcoins, DeFi or stablecoins are worth more than the whole market.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`).
SELECT snapshot_timestamp, total_market_cap, altcoin_market_cap, defi_market_cap, stablecoin_market_cap
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND greatest(altcoin_market_cap, defi_market_cap, stablecoin_market_cap) > total_market_cap
ORDER BY snapshot_timestamp
