-- table: dim_exchange_info
-- severity: warning
-- description: An exchange's launch is not a UTC time, or lies in the future.
-- action: Look at the record in Bronze; do not trust the age of the exchange.
SELECT exchange_id, snapshot_timestamp, date_launched
FROM dwh.dim_exchange_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND (
    date_launched !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$'
    OR date_launched > to_char(snapshot_timestamp AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD HH24:MI:SS')
)
ORDER BY exchange_id
