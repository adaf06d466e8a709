-- table: fact_exchange_info
-- severity: warning
-- description: A spot volume or a number of weekly visits is below zero.
-- action: Look at the record in Bronze (`cryptoelt trace fact_exchange_info exchange_id=...`).
SELECT exchange_id, snapshot_timestamp, spot_volume_usd, weekly_visits
FROM dwh.fact_exchange_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (spot_volume_usd < 0 OR weekly_visits < 0)
ORDER BY snapshot_timestamp, exchange_id
