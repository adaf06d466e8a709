-- table: fact_crypto_market
-- severity: info
-- description: More than ten times a coin's worth was traded in a day.
-- action: Do not trust the volume: it may be wash trading, or the supply is not known.
SELECT crypto_id, snapshot_timestamp, volume_24h_usd, market_cap_usd, volume_to_market_cap_ratio
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND volume_to_market_cap_ratio > 10
ORDER BY snapshot_timestamp, crypto_id
