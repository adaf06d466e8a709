-- table: fact_exchange_assets
-- severity: warning
-- description: A wallet holds less than nothing, or a coin of it costs less than nothing.
-- action: Look at the record in Bronze (`cryptoelt trace fact_exchange_assets exchange_id=...`).
SELECT exchange_id, blockchain_name, wallet_address, crypto_id, entry, snapshot_timestamp, balance, currency_price_usd
FROM dwh.fact_exchange_assets
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND (balance < 0 OR currency_price_usd < 0)
ORDER BY snapshot_timestamp, exchange_id
