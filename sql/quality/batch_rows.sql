-- table: load_batch
-- severity: error
-- description: A load batch says it loaded more or fewer rows than the table holds of it.
-- action: Somebody has changed the table by hand: rebuild its window from Bronze (`cryptoelt backfill --table NAME --rebuild`).
WITH told AS (
    SELECT b.load_batch_id, b.table_name, b.rows_loaded, cardinality(b.snapshots) AS snapshots,
        max(b.load_batch_id) OVER (PARTITION BY b.table_name, moment) AS newest_batch
    FROM ops.load_batch AS b CROSS JOIN unnest(b.snapshots) AS moment
    WHERE moment IN (SELECT snapshot_timestamp FROM scope) AND b.superseded_at IS NULL AND b.table_name IN (
        'dim_crypto_map', 'dim_exchange_map', 'fact_crypto_category', 'fact_crypto_market',
        'fact_exchange_assets', 'fact_exchange_info', 'fact_global_market', 'fact_market_sentiment'
    )
), batches AS (
    -- Where a later batch has replaced a snapshot, the rows of an earlier one are fewer by right.
    SELECT load_batch_id, table_name, rows_loaded FROM told
    GROUP BY load_batch_id, table_name, rows_loaded, snapshots
    HAVING bool_and(load_batch_id = newest_batch) AND count(*) = snapshots
), held (load_batch_id, rows_held) AS (
    SELECT load_batch_id, count(*) FROM dwh.dim_crypto_map
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
    UNION ALL
    SELECT load_batch_id, count(*) FROM dwh.dim_exchange_map
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
    UNION ALL
    SELECT load_batch_id, count(*) FROM dwh.fact_crypto_category
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
    UNION ALL
    SELECT load_batch_id, count(*) FROM dwh.fact_crypto_market
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
    UNION ALL
    SELECT load_batch_id, count(*) FROM dwh.fact_exchange_assets
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
    UNION ALL
    SELECT load_batch_id, count(*) FROM dwh.fact_exchange_info
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
    UNION ALL
    SELECT load_batch_id, count(*) FROM dwh.fact_global_market
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
    UNION ALL
    SELECT load_batch_id, count(*) FROM dwh.fact_market_sentiment
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 1
)
SELECT b.load_batch_id, b.table_name, b.rows_loaded, coalesce(h.rows_held, 0) AS rows_held
FROM batches AS b LEFT JOIN held AS h USING (load_batch_id)
WHERE b.rows_loaded <> coalesce(h.rows_held, 0)
ORDER BY b.load_batch_id
