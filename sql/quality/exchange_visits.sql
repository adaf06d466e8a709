-- table: fact_exchange_info
-- severity: info
-- description: An exchange says it had more than a hundred million visits in a week.
-- action: Do not trust the number.
SELECT exchange_id, snapshot_timestamp, weekly_visits
FROM dwh.fact_exchange_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND weekly_visits > 100000000
ORDER BY snapshot_timestamp, exchange_id
