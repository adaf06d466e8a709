-- table: fact_exchange_assets
-- severity: error
-- description: The weights of an exchange's wallets do not add up to 1.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table fact_exchange_assets --rebuild`); report it if it comes back.
SELECT exchange_id, snapshot_timestamp, sum(wallet_weight) AS weight, count(*) AS holdings
FROM dwh.fact_exchange_assets
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
GROUP BY exchange_id, snapshot_timestamp
HAVING abs(sum(wallet_weight) - 1) > 1e-6
ORDER BY snapshot_timestamp, exchange_id
