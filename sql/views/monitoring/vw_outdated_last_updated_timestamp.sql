CREATE OR REPLACE VIEW monitoring.vw_outdated_last_updated_timestamp AS
SELECT
    snapshot_timestamp,
    last_updated_timestamp,
    extract(epoch FROM snapshot_timestamp - last_updated_timestamp)::float8 AS delay_seconds,
    load_batch_id
FROM dwh.fact_global_market
WHERE last_updated_timestamp < snapshot_timestamp - interval '5 minutes';

COMMENT ON VIEW monitoring.vw_outdated_last_updated_timestamp IS
    'Snapshots of the whole market whose figures were more than 5 minutes old when they were fetched.';
COMMENT ON COLUMN monitoring.vw_outdated_last_updated_timestamp.last_updated_timestamp IS
    'When the API last updated the figures.';
COMMENT ON COLUMN monitoring.vw_outdated_last_updated_timestamp.delay_seconds IS
    'Seconds from last_updated_timestamp to snapshot_timestamp.';
