-- table: dim_exchange_map
-- severity: error
-- description: A row is marked as imputed although the newest exchange/info had every value, or in place of a value it had.
-- action: Call dwh.fill_nulls_exchange_map_info() (the daily run does); rebuild the window if it stays.
SELECT m.exchange_id, m.snapshot_timestamp, m.maker_fee, m.taker_fee, m.weekly_visits
FROM dwh.dim_exchange_map AS m LEFT JOIN LATERAL (
    SELECT * FROM dwh.fact_exchange_info AS i
    WHERE i.exchange_id = m.exchange_id AND i.snapshot_timestamp <= m.snapshot_timestamp
    ORDER BY i.snapshot_timestamp DESC LIMIT 1
) AS i ON true
WHERE m.snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND m.is_imputed AND (
    NOT (
        i.maker_fee IS NULL AND m.maker_fee IS NOT NULL OR i.taker_fee IS NULL AND m.taker_fee IS NOT NULL
        OR i.weekly_visits IS NULL AND m.weekly_visits IS NOT NULL
    )
    OR m.maker_fee IS DISTINCT FROM coalesce(i.maker_fee, m.maker_fee)
    OR m.taker_fee IS DISTINCT FROM coalesce(i.taker_fee, m.taker_fee)
    OR m.weekly_visits IS DISTINCT FROM coalesce(i.weekly_visits, m.weekly_visits)
)
ORDER BY m.snapshot_timestamp, m.exchange_id
