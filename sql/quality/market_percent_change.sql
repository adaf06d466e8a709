-- table: fact_crypto_market
-- severity: info
-- description: A price has fallen by more than all of it.
-- action: Look at the record in Bronze (`cryptoelt trace fact_crypto_market crypto_id=... snapshot_timestamp=...`); do not trust the change.
SELECT crypto_id, snapshot_timestamp, percent_change_1h_usd, percent_change_24h_usd, percent_change_7d_usd
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND least(percent_change_1h_usd, percent_change_24h_usd, percent_change_7d_usd) < -100
ORDER BY snapshot_timestamp, crypto_id
