-- table: load_batch
-- severity: error
-- description: Rows name a load batch that does not exist.
-- action: Somebody has put rows into the table by hand: rebuild its window from Bronze (`cryptoelt backfill --table NAME --rebuild`).
WITH held (table_name, load_batch_id, rows_held, first_snapshot) AS (
    SELECT 'dim_crypto_map', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.dim_crypto_map
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'dim_exchange_map', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.dim_exchange_map
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'fact_crypto_category', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.fact_crypto_category
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'fact_crypto_market', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.fact_crypto_market
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'fact_exchange_assets', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.fact_exchange_assets
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'fact_exchange_info', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.fact_exchange_info
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'fact_global_market', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.fact_global_market
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'fact_market_sentiment', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.fact_market_sentiment
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) GROUP BY 2
    UNION ALL
    SELECT 'dim_crypto_category', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.dim_crypto_category
    GROUP BY 2
    UNION ALL
    SELECT 'dim_crypto_id', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.dim_crypto_id
    GROUP BY 2
    UNION ALL
    SELECT 'dim_crypto_info', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.dim_crypto_info
    GROUP BY 2
    UNION ALL
    SELECT 'dim_exchange_id', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.dim_exchange_id
    GROUP BY 2
    UNION ALL
    SELECT 'dim_exchange_info', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.dim_exchange_info
    GROUP BY 2
    UNION ALL
    SELECT 'link_crypto_category', load_batch_id, count(*), min(snapshot_timestamp) FROM dwh.link_crypto_category
    GROUP BY 2
)
SELECT h.table_name, h.load_batch_id, h.rows_held, h.first_snapshot
FROM held AS h LEFT JOIN ops.load_batch AS b USING (load_batch_id)
WHERE b.load_batch_id IS NULL
ORDER BY h.table_name, h.load_batch_id
