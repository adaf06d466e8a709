-- table: fact_exchange_assets
-- severity: error
-- description: A spot volume is marked as imputed although the newest exchange/info had one, or although there is none.
-- action: Call dwh.fill_nulls_spot_volume_and_wallet_weight() (the daily run does); rebuild the window if it stays.
WITH moments AS MATERIALIZED (
    SELECT DISTINCT exchange_id, snapshot_timestamp FROM dwh.fact_exchange_assets
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND is_imputed
), known AS MATERIALIZED (
    SELECT m.exchange_id, m.snapshot_timestamp, i.spot_volume_usd AS newest_volume_usd
    FROM moments AS m LEFT JOIN LATERAL (
    SELECT * FROM dwh.fact_exchange_info AS i
    WHERE i.exchange_id = m.exchange_id AND i.snapshot_timestamp <= m.snapshot_timestamp
    ORDER BY i.snapshot_timestamp DESC LIMIT 1
) AS i ON true
)
SELECT a.exchange_id, a.blockchain_name, a.wallet_address, a.crypto_id, a.entry, a.snapshot_timestamp,
    a.spot_volume_usd, k.newest_volume_usd
FROM known AS k JOIN dwh.fact_exchange_assets AS a USING (exchange_id, snapshot_timestamp)
WHERE a.is_imputed AND (k.newest_volume_usd IS NOT NULL OR a.spot_volume_usd IS NULL)
ORDER BY a.snapshot_timestamp, a.exchange_id
