-- table: fact_global_market
-- severity: info
-- description: The change since yesterday is more than a percentage point off what the two figures give.
-- action: Compute changes from the figures themselves.
SELECT snapshot_timestamp, total_market_cap, total_market_cap_yesterday, total_market_cap_yesterday_change
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND CASE WHEN total_market_cap_yesterday > 1 AND total_market_cap < 1e100 THEN abs(
    (total_market_cap / total_market_cap_yesterday - 1) * 100 - total_market_cap_yesterday_change) > 1 END
ORDER BY snapshot_timestamp
