-- table: fact_exchange_assets
-- severity: info
-- description: No spot volume is known of an exchange that publishes its assets.
-- action: Nothing: some publish none. For many more than before, see the newest exchange/info.
SELECT DISTINCT exchange_id, snapshot_timestamp
FROM dwh.fact_exchange_assets
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND spot_volume_usd IS NULL
ORDER BY snapshot_timestamp, exchange_id
