-- table: fact_exchange_assets
-- severity: error
-- description: A KPI of a wallet is not what its formula gives, or is there where it is undefined.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table fact_exchange_assets --rebuild`); report it if it comes back.
WITH assets AS (
    SELECT *, CASE WHEN max(abs(total_usd_value)) OVER of_exchange < 1e150
        THEN sum(CASE WHEN abs(total_usd_value) < 1e150 THEN total_usd_value END) OVER of_exchange ELSE 'NaN'
    END AS exchange_usd_value
    FROM dwh.fact_exchange_assets
    WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
    WINDOW of_exchange AS (PARTITION BY exchange_id, snapshot_timestamp)
)
SELECT a.exchange_id, a.blockchain_name, a.wallet_address, a.crypto_id, a.entry, a.snapshot_timestamp,
    k.kpi, k.stored, e.expected
FROM assets AS a CROSS JOIN LATERAL (VALUES
    -- A numeric reaches further than a double: the cast of what lies beyond is an error, so it becomes no number here.
    ('total_usd_value', a.total_usd_value,
        CASE WHEN a.balance <> 0 AND abs(a.balance) NOT BETWEEN 1e-300 AND 1e300 THEN 'NaN' ELSE a.balance::float8 END,
        a.currency_price_usd, true),
    ('wallet_weight', a.wallet_weight, a.total_usd_value, a.exchange_usd_value, false),
    ('value_to_volume_ratio', a.value_to_volume_ratio, a.total_usd_value, a.spot_volume_usd, false)
) AS k (kpi, stored, x, y, is_product) CROSS JOIN LATERAL (
    SELECT CASE
        -- What is near the limits of a double is believed: PostgreSQL refuses to compute with it.
        WHEN NOT (k.x = 0 OR abs(k.x) BETWEEN 1e-150 AND 1e150) OR NOT (k.y = 0 OR abs(k.y) BETWEEN 1e-150 AND 1e150)
        THEN k.stored
        WHEN k.is_product THEN k.x * k.y
        ELSE k.x / nullif(k.y, 0)
    END AS expected
) AS e
WHERE a.snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (
    (k.stored IS NULL) <> (e.expected IS NULL)
    -- A billionth of what is next to 0 cannot be computed either, so that is asked only of figures that differ.
    OR CASE WHEN k.stored <> e.expected THEN abs(k.stored - e.expected) > 1e-9 * abs(e.expected) END
)
ORDER BY a.exchange_id, a.blockchain_name, a.wallet_address, a.crypto_id, a.entry, a.snapshot_timestamp, k.kpi
