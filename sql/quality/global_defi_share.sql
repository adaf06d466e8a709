-- table: fact_global_market
-- severity: warning
-- description: DeFi's share of the volume is outside 0 to 1.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`).
SELECT snapshot_timestamp, defi_volume_24h, total_volume_24h, defi_volume_share
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND defi_volume_share NOT BETWEEN 0 AND 1
ORDER BY snapshot_timestamp
