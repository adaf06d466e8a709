-- table: fact_crypto_market
-- severity: warning
-- description: More than a twentieth of a listing's quotes are older than a day.
-- action: See whether the API is in trouble; an answer of a proxy's cache looks like this too.
WITH quotes AS (
    -- Compared as text, which ISO 8601 allows: whatever the API sends, the check can be run.
    SELECT snapshot_timestamp, last_updated_usd < to_char(
        snapshot_timestamp AT TIME ZONE 'UTC' - interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS') AS is_stale
    FROM dwh.fact_crypto_market
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND last_updated_usd IS NOT NULL
)
SELECT snapshot_timestamp, count(*) FILTER (WHERE is_stale) AS stale, count(*) AS quotes
FROM quotes
GROUP BY snapshot_timestamp
HAVING count(*) FILTER (WHERE is_stale) > count(*) / 20.0
ORDER BY snapshot_timestamp
