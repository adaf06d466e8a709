CREATE OR REPLACE VIEW monitoring.vw_pipeline_misalignment_exchange_map AS
SELECT
    m.exchange_id,
    e.name,
    m.snapshot_timestamp,
    m.info_snapshot_timestamp,
    m.is_imputed,
    i.observed_timestamp,
    CASE
        WHEN i.newest_timestamp IS NULL THEN 'no exchange/info by then'
        WHEN i.observed_timestamp IS NULL THEN 'never observed by then'
        WHEN i.observed_timestamp < i.newest_timestamp THEN 'not carried forward yet'
        ELSE 'not taken from exchange/info'
    END AS reason
FROM dwh.dim_exchange_map AS m
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = m.exchange_id
CROSS JOIN LATERAL (
    SELECT
        max(f.snapshot_timestamp) AS newest_timestamp,
        max(f.snapshot_timestamp) FILTER (
            WHERE num_nonnulls(f.maker_fee, f.taker_fee, f.weekly_visits) > 0
        ) AS observed_timestamp
    FROM dwh.fact_exchange_info AS f
    WHERE f.exchange_id = m.exchange_id AND f.snapshot_timestamp <= m.snapshot_timestamp
) AS i
WHERE m.maker_fee IS NULL AND m.taker_fee IS NULL AND m.weekly_visits IS NULL;

COMMENT ON VIEW monitoring.vw_pipeline_misalignment_exchange_map IS
'Map rows of exchanges that have neither a fee nor visits, and why, for whoever runs the pipeline. A row to which '
'the last observed figures were carried forward has them and is not there.';
COMMENT ON COLUMN monitoring.vw_pipeline_misalignment_exchange_map.info_snapshot_timestamp IS
'The exchange/info answer that the row was filled from; NULL where there was none.';
COMMENT ON COLUMN monitoring.vw_pipeline_misalignment_exchange_map.is_imputed IS
'True where figures were carried forward to the row; then it should not be here.';
COMMENT ON COLUMN monitoring.vw_pipeline_misalignment_exchange_map.observed_timestamp IS
'The newest exchange/info answer not later than the row that had any of the three.';
COMMENT ON COLUMN monitoring.vw_pipeline_misalignment_exchange_map.reason IS
'no exchange/info by then: none of this exchange is as old as the row. never observed by then: they all lacked the '
'three. not carried forward yet: an earlier one has them, and fill_nulls_exchange_map_info() has not run since. not '
'taken from exchange/info: the newest one has them, and the row should too.';
