CREATE OR REPLACE VIEW monitoring.vw_weekly_visits_outliers AS
SELECT
    m.exchange_id,
    e.name,
    m.snapshot_timestamp,
    m.weekly_visits,
    m.info_snapshot_timestamp,
    m.is_imputed
FROM dwh.dim_exchange_map AS m
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = m.exchange_id
WHERE m.weekly_visits > 100000000;

COMMENT ON VIEW monitoring.vw_weekly_visits_outliers IS
'Map snapshots at which an exchange has more than 100 million visits a week, for whoever judges the data: no site of '
'an exchange has so many.';
COMMENT ON COLUMN monitoring.vw_weekly_visits_outliers.info_snapshot_timestamp IS
'The exchange/info answer that the visits come from: the newest not later than snapshot_timestamp.';
COMMENT ON COLUMN monitoring.vw_weekly_visits_outliers.is_imputed IS
'True where that answer lacked a figure and the last observed one was carried forward.';
