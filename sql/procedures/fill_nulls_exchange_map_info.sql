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
    ), gap AS MATERIALIZED (
        SELECT m.exchange_id, m.snapshot_timestamp FROM dwh.dim_exchange_map AS m WHERE m.is_imputed
        UNION
        SELECT o.exchange_id, lacking.snapshot_timestamp FROM observed AS o CROSS JOIN LATERAL (
            SELECT m.snapshot_timestamp FROM dwh.dim_exchange_map AS m
            WHERE m.exchange_id = o.exchange_id AND m.snapshot_timestamp >= o.maker_fee_since
            AND m.maker_fee IS NULL OFFSET 0
        ) AS lacking
        UNION
        SELECT o.exchange_id, lacking.snapshot_timestamp FROM observed AS o CROSS JOIN LATERAL (
            SELECT m.snapshot_timestamp FROM dwh.dim_exchange_map AS m
            WHERE m.exchange_id = o.exchange_id AND m.snapshot_timestamp >= o.taker_fee_since
            AND m.taker_fee IS NULL OFFSET 0
        ) AS lacking
        UNION
        SELECT o.exchange_id, lacking.snapshot_timestamp FROM observed AS o CROSS JOIN LATERAL (
            SELECT m.snapshot_timestamp FROM dwh.dim_exchange_map AS m
            WHERE m.exchange_id = o.exchange_id AND m.snapshot_timestamp >= o.weekly_visits_since
            AND m.weekly_visits IS NULL OFFSET 0
        ) AS lacking
    -- What is carried comes from observations alone, never from an imputed figure: so the order of loading is all one.
    ), carried AS MATERIALIZED (
        SELECT gap.exchange_id, gap.snapshot_timestamp,
            num_nulls(newest.maker_fee, newest.taker_fee, newest.weekly_visits) AS unsaid,
            (SELECT i.maker_fee FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.snapshot_timestamp
             AND i.maker_fee IS NOT NULL ORDER BY i.snapshot_timestamp DESC LIMIT 1) AS maker_fee,
            (SELECT i.taker_fee FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.snapshot_timestamp
             AND i.taker_fee IS NOT NULL ORDER BY i.snapshot_timestamp DESC LIMIT 1) AS taker_fee,
            (SELECT i.weekly_visits FROM dwh.fact_exchange_info AS i
             WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.snapshot_timestamp
             AND i.weekly_visits IS NOT NULL ORDER BY i.snapshot_timestamp DESC LIMIT 1) AS weekly_visits
        FROM gap LEFT JOIN LATERAL (
            SELECT i.maker_fee, i.taker_fee, i.weekly_visits FROM dwh.fact_exchange_info AS i
            WHERE i.exchange_id = gap.exchange_id AND i.snapshot_timestamp <= gap.snapshot_timestamp
            ORDER BY i.snapshot_timestamp DESC LIMIT 1
        ) AS newest ON true
    ), filled AS (
        SELECT m.exchange_id, m.snapshot_timestamp,
            CASE WHEN m.is_imputed THEN c.maker_fee ELSE coalesce(m.maker_fee, c.maker_fee) END AS maker_fee,
            CASE WHEN m.is_imputed THEN c.taker_fee ELSE coalesce(m.taker_fee, c.taker_fee) END AS taker_fee,
            CASE WHEN m.is_imputed THEN c.weekly_visits ELSE coalesce(m.weekly_visits, c.weekly_visits) END
                AS weekly_visits,
            c.unsaid > num_nulls(c.maker_fee, c.taker_fee, c.weekly_visits) AS is_imputed
        FROM carried AS c JOIN dwh.dim_exchange_map AS m
        ON m.exchange_id = c.exchange_id AND m.snapshot_timestamp = c.snapshot_timestamp
    )
    UPDATE dwh.dim_exchange_map AS m
    SET (maker_fee, taker_fee, weekly_visits, is_imputed)
        = ROW(f.maker_fee, f.taker_fee, f.weekly_visits, f.is_imputed)
    FROM filled AS f
    WHERE m.exchange_id = f.exchange_id AND m.snapshot_timestamp = f.snapshot_timestamp
    AND ROW(m.maker_fee, m.taker_fee, m.weekly_visits, m.is_imputed)
        IS DISTINCT FROM ROW(f.maker_fee, f.taker_fee, f.weekly_visits, f.is_imputed);
    GET DIAGNOSTICS rows_changed = ROW_COUNT;
END
$$;

COMMENT ON PROCEDURE dwh.fill_nulls_exchange_map_info IS
'Gives every row of dim_exchange_map whose exchange/info said nothing of a fee or of the visits the last observed value not later than the row, and sets is_imputed. Touches NULL and imputed values only; imputed ones are made anew when an observation came late. Returns the number of rows changed: none when called again.';
