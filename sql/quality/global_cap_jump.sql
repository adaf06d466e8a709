-- table: fact_global_market
-- severity: warning
-- description: The market's worth differs by more than 30 % from the snapshot before, of the last three days.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`) and the one before it.
SELECT f.snapshot_timestamp, f.total_market_cap, before.snapshot_timestamp AS snapshot_before,
    before.total_market_cap AS cap_before
FROM dwh.fact_global_market AS f CROSS JOIN LATERAL (
    SELECT b.snapshot_timestamp, b.total_market_cap FROM dwh.fact_global_market AS b
    WHERE b.snapshot_timestamp < f.snapshot_timestamp
    AND b.snapshot_timestamp >= f.snapshot_timestamp - interval '3 days'
    ORDER BY b.snapshot_timestamp DESC LIMIT 1
) AS before
WHERE f.snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND abs(f.total_market_cap - before.total_market_cap) > 0.3 * before.total_market_cap
ORDER BY f.snapshot_timestamp
