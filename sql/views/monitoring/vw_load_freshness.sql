-- A table that was never loaded is shown too: its absence would be the one thing a list of loads cannot say.
CREATE OR REPLACE VIEW monitoring.vw_load_freshness AS
SELECT
    known.table_name,
    newest.snapshot_timestamp AS newest_snapshot_timestamp,
    extract(epoch FROM now() - newest.snapshot_timestamp)::float8 AS snapshot_age_seconds,
    load.load_batch_id,
    load.ended_at AS loaded_at,
    extract(epoch FROM now() - load.ended_at)::float8 AS load_age_seconds,
    cardinality(load.snapshots) AS snapshots_loaded,
    load.rows_in,
    load.rows_loaded,
    load.rows_present,
    load.rows_quarantined,
    CASE
        WHEN newest.snapshot_timestamp IS NOT NULL
            THEN NOT EXISTS (
                SELECT FROM ops.incomplete_snapshot AS i
                WHERE i.table_name = known.table_name
                    AND i.snapshot_timestamp = newest.snapshot_timestamp
                    AND i.completed_at IS NULL
            )
    END AS is_newest_complete
FROM (
    SELECT tablename::text AS table_name
    FROM pg_catalog.pg_tables
    WHERE schemaname = 'dwh' AND tablename NOT LIKE '%\_history'
    UNION
    SELECT table_name FROM ops.load_batch
) AS known
LEFT JOIN LATERAL (
    SELECT max(batch.snapshots[cardinality(batch.snapshots)]) AS snapshot_timestamp
    FROM ops.load_batch AS batch
    WHERE batch.table_name = known.table_name
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT batch.*
    FROM ops.load_batch AS batch
    WHERE batch.table_name = known.table_name AND batch.snapshots <> '{}'
    ORDER BY batch.load_batch_id DESC
    LIMIT 1
) AS load ON true;

COMMENT ON VIEW monitoring.vw_load_freshness IS
    'How fresh each table is: its newest snapshot and its newest load. A table that was never loaded has NULLs; a '
    'load that found nothing to load is none.';
COMMENT ON COLUMN monitoring.vw_load_freshness.table_name IS
    'As the load names it; market_sentiment_history is loaded into fact_market_sentiment.';
COMMENT ON COLUMN monitoring.vw_load_freshness.newest_snapshot_timestamp IS 'The newest snapshot ever loaded.';
COMMENT ON COLUMN monitoring.vw_load_freshness.snapshot_age_seconds IS
    'Seconds from newest_snapshot_timestamp to now; over a weekend no snapshot is due.';
COMMENT ON COLUMN monitoring.vw_load_freshness.load_batch_id IS
    'The newest load; it may have brought an older snapshot than newest_snapshot_timestamp.';
COMMENT ON COLUMN monitoring.vw_load_freshness.loaded_at IS 'When the newest load ended.';
COMMENT ON COLUMN monitoring.vw_load_freshness.load_age_seconds IS 'Seconds from loaded_at to now.';
COMMENT ON COLUMN monitoring.vw_load_freshness.snapshots_loaded IS 'Snapshots of the newest load.';
COMMENT ON COLUMN monitoring.vw_load_freshness.rows_in IS
    'Rows of the newest load: rows_loaded + rows_present + rows_quarantined.';
COMMENT ON COLUMN monitoring.vw_load_freshness.is_newest_complete IS
    'False where newest_snapshot_timestamp is a list cut short, by the budget or by a page that failed; NULL where there '
    'is none.';
