CREATE OR REPLACE PROCEDURE dwh.fill_nulls_spot_volume_and_wallet_weight(INOUT rows_changed bigint DEFAULT NULL)
LANGUAGE plpgsql
-- For each gap a few rows are looked up by their key. Other joins would read all of history to find them.
SET enable_hashjoin TO off
SET enable_mergejoin TO off
AS $$
BEGIN
    WITH observed AS MATERIALIZED (
        SELECT e.exchange_id,
            (SELECT min(i.snapshot_timestamp) FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = e.exchange_id AND i.spot_volume_usd IS NOT NULL) AS since
        FROM dwh.dim_exchange_id AS e
    -- One row an exchange and snapshot, which may have a thousand assets. A NULL before the first observation, or of an
    -- exchange that never had a volume, is no gap and is not even read, for every day adds some: OFFSET 0 keeps each
    -- look-up a look-up of one exchange.
    ), gap AS MATERIALIZED (
        SELECT DISTINCT a.exchange_id, a.snapshot_timestamp, a.spot_volume_usd, true AS is_imputed
        FROM dwh.fact_exchange_assets AS a WHERE a.is_imputed
        UNION
        SELECT o.exchange_id, lacking.snapshot_timestamp, NULL, false FROM observed AS o CROSS JOIN LATERAL (
            SELECT a.snapshot_timestamp FROM dwh.fact_exchange_assets AS a
            WHERE a.exchange_id = o.exchange_id AND a.snapshot_timestamp >= o.since
            AND a.spot_volume_usd IS NULL OFFSET 0
        ) AS lacking
    -- What is carried comes from observations alone, never from an imputed volume: so the order of loading is all one.
    ), carried AS (
        SELECT gap.exchange_id, gap.snapshot_timestamp, gap.spot_volume_usd AS former, gap.is_imputed AS was_imputed,
            last.spot_volume_usd, coalesce(last.snapshot_timestamp < newest.snapshot_timestamp, false) AS is_imputed
        FROM gap LEFT JOIN LATERAL (
            SELECT i.snapshot_timestamp FROM dwh.fact_exchange_info AS i
            WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.snapshot_timestamp
            ORDER BY i.snapshot_timestamp DESC LIMIT 1
        ) AS newest ON true LEFT JOIN LATERAL (
            SELECT i.snapshot_timestamp, i.spot_volume_usd FROM dwh.fact_exchange_info AS i
            WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.snapshot_timestamp
            AND i.spot_volume_usd IS NOT NULL ORDER BY i.snapshot_timestamp DESC LIMIT 1
        ) AS last ON true
    ), filled AS MATERIALIZED (
        SELECT DISTINCT c.exchange_id, c.snapshot_timestamp, c.spot_volume_usd, c.is_imputed FROM carried AS c
        WHERE ROW(c.former, c.was_imputed) IS DISTINCT FROM ROW(c.spot_volume_usd, c.is_imputed)
    )
    UPDATE dwh.fact_exchange_assets AS a
    SET spot_volume_usd = f.spot_volume_usd,
        -- As the load derives it: NULL where it is undefined or does not fit a double.
        value_to_volume_ratio = CASE
            WHEN a.total_usd_value = 0 THEN a.total_usd_value / nullif(f.spot_volume_usd, 0)
            WHEN abs(ln(abs(nullif(a.total_usd_value, 0))) - ln(abs(nullif(f.spot_volume_usd, 0)))) < 700
            THEN a.total_usd_value / f.spot_volume_usd
        END,
        is_imputed = f.is_imputed
    FROM filled AS f
    WHERE a.exchange_id = f.exchange_id AND a.snapshot_timestamp = f.snapshot_timestamp
    AND (a.is_imputed OR a.spot_volume_usd IS NULL)
    AND ROW(a.spot_volume_usd, a.is_imputed) IS DISTINCT FROM ROW(f.spot_volume_usd, f.is_imputed);
    GET DIAGNOSTICS rows_changed = ROW_COUNT;
END
$$;

COMMENT ON PROCEDURE dwh.fill_nulls_spot_volume_and_wallet_weight IS
'Gives every row of fact_exchange_assets whose exchange/info said nothing of the spot volume the last observed one not later than the row, derives value_to_volume_ratio again, and sets is_imputed. Touches NULL and imputed volumes only; imputed ones are made anew when an observation came late. wallet_weight does not depend on the volume. Returns the number of rows changed: none when called again.';
