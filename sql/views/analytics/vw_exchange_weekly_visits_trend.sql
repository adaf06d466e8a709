CREATE OR REPLACE VIEW analytics.vw_exchange_weekly_visits_trend AS
SELECT
    m.exchange_id,
    e.name,
    m.snapshot_timestamp,
    m.weekly_visits,
    m.info_snapshot_timestamp,
    m.is_imputed
FROM dwh.dim_exchange_map AS m
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = m.exchange_id
WHERE m.weekly_visits IS NOT NULL;

COMMENT ON VIEW analytics.vw_exchange_weekly_visits_trend IS
'Visits of each active exchange''s site over time, for analysts. They are asked for weekly: each map snapshot has '
'those of the newest answer by then.';
COMMENT ON COLUMN analytics.vw_exchange_weekly_visits_trend.name IS 'As the newest map names the exchange.';
COMMENT ON COLUMN analytics.vw_exchange_weekly_visits_trend.info_snapshot_timestamp IS
'The exchange/info answer that the visits come from: the newest not later than snapshot_timestamp.';
COMMENT ON COLUMN analytics.vw_exchange_weekly_visits_trend.is_imputed IS
'True where that answer lacked a figure and the last observed one was carried forward.';
