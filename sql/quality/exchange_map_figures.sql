-- table: dim_exchange_map
-- severity: error
-- description: Fees and visits that nobody imputed are not those of the newest exchange/info of that time.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table dim_exchange_map --rebuild`); report it if it comes back.
SELECT m.exchange_id, m.snapshot_timestamp, m.info_snapshot_timestamp, i.snapshot_timestamp AS newest_info
FROM dwh.dim_exchange_map AS m LEFT JOIN LATERAL (
    SELECT * FROM dwh.fact_exchange_info AS i
    WHERE i.exchange_id = m.exchange_id AND i.snapshot_timestamp <= m.snapshot_timestamp
    ORDER BY i.snapshot_timestamp DESC LIMIT 1
) AS i ON true
WHERE m.snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND NOT m.is_imputed
AND ROW(m.maker_fee, m.taker_fee, m.weekly_visits, m.info_snapshot_timestamp)
    IS DISTINCT FROM ROW(i.maker_fee, i.taker_fee, i.weekly_visits, i.snapshot_timestamp)
ORDER BY m.snapshot_timestamp, m.exchange_id
