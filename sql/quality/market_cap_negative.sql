-- table: fact_crypto_market
-- severity: warning
-- description: A market capitalisation, or its share of the whole, is below zero.
-- action: Look at the record in Bronze (`cryptoelt trace fact_crypto_market crypto_id=... snapshot_timestamp=...`).
SELECT crypto_id, snapshot_timestamp, market_cap_usd, fully_diluted_market_cap_usd, market_cap_dominance_usd
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND least(market_cap_usd, fully_diluted_market_cap_usd, self_reported_market_cap, market_cap_dominance_usd) < 0
ORDER BY snapshot_timestamp, crypto_id
