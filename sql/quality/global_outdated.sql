-- table: fact_global_market
-- severity: warning
-- description: The figures were computed more than fifteen minutes before they were asked for, or after it.
-- action: See whether the API is in trouble; a wrong clock of this machine looks like this too.
SELECT snapshot_timestamp, last_updated_timestamp
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND last_updated_timestamp NOT BETWEEN snapshot_timestamp - interval '15 minutes'
    AND snapshot_timestamp + interval '5 minutes'
ORDER BY snapshot_timestamp
