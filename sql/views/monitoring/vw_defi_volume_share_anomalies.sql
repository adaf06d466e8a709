CREATE OR REPLACE VIEW monitoring.vw_defi_volume_share_anomalies AS
SELECT snapshot_timestamp, defi_volume_share, defi_volume_24h, total_volume_24h, load_batch_id
FROM dwh.fact_global_market
WHERE defi_volume_share NOT BETWEEN 0 AND 1;

COMMENT ON VIEW monitoring.vw_defi_volume_share_anomalies IS
    'Snapshots in which decentralised finance trades less than nothing or more than the whole market: '
    'defi_volume_share (defi_volume_24h / total_volume_24h) outside of 0 to 1.';
