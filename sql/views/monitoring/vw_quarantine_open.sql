CREATE OR REPLACE VIEW monitoring.vw_quarantine_open AS
SELECT
    table_name,
    rule,
    count(*) AS open_rows,
    min(quarantined_at) AS open_since,
    max(quarantined_at) AS newest_quarantined_at,
    min(snapshot_timestamp) AS oldest_snapshot_timestamp,
    max(snapshot_timestamp) AS newest_snapshot_timestamp
FROM ops.quarantine
WHERE replayed_at IS NULL
GROUP BY table_name, rule;

COMMENT ON VIEW monitoring.vw_quarantine_open IS
    'Records in quarantine that were not replayed, per table and rule.';
COMMENT ON COLUMN monitoring.vw_quarantine_open.open_since IS 'When the first of them was put there.';
