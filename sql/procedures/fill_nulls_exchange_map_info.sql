CREATE OR REPLACE PROCEDURE dwh.fill_nulls_exchange_map_info(INOUT rows_changed bigint DEFAULT NULL)
LANGUAGE plpgsql
-- For each gap a few rows are looked up by their key. Other joins would read all of history to find them.
SET enable_hashjoin TO off
SET enable_mergejoin TO off
AS $$
BEGIN
    WITH observed AS MATERIALIZED (
        SELECT e.exchange_id,
            (SELECT min(i.snapshot_timestamp) FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = e.exchange_id AND i.maker_fee IS NOT NULL) AS maker_fee_since,
            (SELECT min(i.snapshot_timestamp) FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = e.exchange_id AND i.taker_fee IS NOT NULL) AS taker_fee_since,
            (SELECT min(i.snapshot_timestamp) FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = e.exchange_id AND i.weekly_visits IS NOT NULL) AS weekly_visits_since
        FROM dwh.dim_exchange_id AS e
    -- A NULL after the first observation is a gap. One before it, or of an exchange that never had a value, is none, and
    -- is not even read, for every day adds some: OFFSET 0 keeps each look-up a look-up of one exchange.
    -- The rows of one info that have the same figures share their fate, and are one gap.
    ), gap AS MATERIALIZED (
        SELECT g.exchange_id, coalesce(g.info_snapshot_timestamp, g.snapshot_timestamp) AS known_at,
            g.maker_fee, g.taker_fee, g.weekly_visits, g.is_imputed,
            min(g.snapshot_timestamp) AS first_snapshot, max(g.snapshot_timestamp) AS last_snapshot
        FROM (
            SELECT m.* FROM dwh.dim_exchange_map AS m WHERE m.is_imputed
            UNION ALL
            SELECT lacking.* FROM observed AS o CROSS JOIN LATERAL (
                SELECT m.* FROM dwh.dim_exchange_map AS m
                WHERE m.exchange_id = o.exchange_id AND m.snapshot_timestamp >= o.maker_fee_since
                AND m.maker_fee IS NULL OFFSET 0
            ) AS lacking
            UNION ALL
            SELECT lacking.* FROM observed AS o CROSS JOIN LATERAL (
                SELECT m.* FROM dwh.dim_exchange_map AS m
                WHERE m.exchange_id = o.exchange_id AND m.snapshot_timestamp >= o.taker_fee_since
                AND m.taker_fee IS NULL OFFSET 0
            ) AS lacking
            UNION ALL
            SELECT lacking.* FROM observed AS o CROSS JOIN LATERAL (
                SELECT m.* FROM dwh.dim_exchange_map AS m
                WHERE m.exchange_id = o.exchange_id AND m.snapshot_timestamp >= o.weekly_visits_since
                AND m.weekly_visits IS NULL OFFSET 0
            ) AS lacking
        ) AS g
        GROUP BY g.exchange_id, known_at, g.maker_fee, g.taker_fee, g.weekly_visits, g.is_imputed
    -- What is carried comes from observations alone, never from an imputed figure: so the order of loading is all one.
    ), carried AS MATERIALIZED (
        SELECT gap.*, num_nulls(newest.maker_fee, newest.taker_fee, newest.weekly_visits) AS unsaid,
            (SELECT i.maker_fee FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.known_at
             AND i.maker_fee IS NOT NULL ORDER BY i.snapshot_timestamp DESC LIMIT 1) AS carried_maker_fee,
            (SELECT i.taker_fee FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.known_at
             AND i.taker_fee IS NOT NULL ORDER BY i.snapshot_timestamp DESC LIMIT 1) AS carried_taker_fee,
            (SELECT i.weekly_visits FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.known_at
             AND i.weekly_visits IS NOT NULL ORDER BY i.snapshot_timestamp DESC LIMIT 1) AS carried_weekly_visits
        FROM gap LEFT JOIN LATERAL (
            SELECT i.maker_fee, i.taker_fee, i.weekly_visits FROM dwh.fact_exchange_info AS i
            WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.known_at
            ORDER BY i.snapshot_timestamp DESC LIMIT 1
        ) AS newest ON true
    ), filled AS (
        SELECT c.*,
            CASE WHEN c.is_imputed THEN c.carried_maker_fee ELSE coalesce(c.maker_fee, c.carried_maker_fee) END
                AS filled_maker_fee,
            CASE WHEN c.is_imputed THEN c.carried_taker_fee ELSE coalesce(c.taker_fee, c.carried_taker_fee) END
                AS filled_taker_fee,
            CASE WHEN c.is_imputed THEN c.carried_weekly_visits
                ELSE coalesce(c.weekly_visits, c.carried_weekly_visits) END AS filled_weekly_visits,
            c.unsaid > num_nulls(c.carried_maker_fee, c.carried_taker_fee, c.carried_weekly_visits) AS has_imputed
        FROM carried AS c
    )
    UPDATE dwh.dim_exchange_map AS m
    SET (maker_fee, taker_fee, weekly_visits, is_imputed)
        = ROW(f.filled_maker_fee, f.filled_taker_fee, f.filled_weekly_visits, f.has_imputed)
    FROM filled AS f
    WHERE ROW(f.maker_fee, f.taker_fee, f.weekly_visits, f.is_imputed)
        IS DISTINCT FROM ROW(f.filled_maker_fee, f.filled_taker_fee, f.filled_weekly_visits, f.has_imputed)
    AND m.exchange_id = f.exchange_id AND m.snapshot_timestamp BETWEEN f.first_snapshot AND f.last_snapshot
    AND ROW(m.maker_fee, m.taker_fee, m.weekly_visits, m.is_imputed)
        IS NOT DISTINCT FROM ROW(f.maker_fee, f.taker_fee, f.weekly_visits, f.is_imputed);
    GET DIAGNOSTICS rows_changed = ROW_COUNT;
END
$$;

COMMENT ON PROCEDURE dwh.fill_nulls_exchange_map_info IS
'Gives every row of dim_exchange_map whose exchange/info said nothing of a fee or of the visits the last observed value not later than the row, and sets is_imputed. Touches NULL and imputed values only; imputed ones are made anew when an observation came late. Returns the number of rows changed: none when called again.';
