CREATE OR REPLACE VIEW monitoring.vw_missing_spot_volume AS
SELECT
    a.exchange_id,
    e.name,
    a.snapshot_timestamp,
    a.blockchain_name,
    a.wallet_address,
    a.crypto_id,
    a.entry,
    a.balance,
    a.currency_price_usd,
    a.total_usd_value,
    i.newest_timestamp AS info_snapshot_timestamp,
    a.is_imputed,
    i.observed_timestamp,
    CASE
        WHEN i.newest_timestamp IS NULL THEN 'no exchange/info by then'
        WHEN i.observed_timestamp IS NULL THEN 'never observed by then'
        WHEN i.observed_timestamp < i.newest_timestamp THEN 'not carried forward yet'
        ELSE 'not taken from exchange/info'
    END AS reason
FROM dwh.fact_exchange_assets AS a
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = a.exchange_id
CROSS JOIN LATERAL (
    SELECT
        max(f.snapshot_timestamp) AS newest_timestamp,
        max(f.snapshot_timestamp) FILTER (WHERE f.spot_volume_usd IS NOT NULL) AS observed_timestamp
    FROM dwh.fact_exchange_info AS f
    WHERE f.exchange_id = a.exchange_id AND f.snapshot_timestamp <= a.snapshot_timestamp
) AS i
WHERE a.spot_volume_usd IS NULL;

COMMENT ON VIEW monitoring.vw_missing_spot_volume IS
'Holdings of exchanges whose spot volume is not known, and why, for whoever runs the pipeline; without it they have '
'no value_to_volume_ratio. A row to which the last observed volume was carried forward has one and is not there.';
COMMENT ON COLUMN monitoring.vw_missing_spot_volume.name IS 'Of the exchange, as the newest map names it.';
COMMENT ON COLUMN monitoring.vw_missing_spot_volume.entry IS
'From 1: tells the balances of one wallet, blockchain and coin apart, the largest first.';
COMMENT ON COLUMN monitoring.vw_missing_spot_volume.info_snapshot_timestamp IS
'The newest exchange/info answer not later than the row; NULL where there is none.';
COMMENT ON COLUMN monitoring.vw_missing_spot_volume.is_imputed IS
'True where a volume was carried forward to the row; then it should not be here.';
COMMENT ON COLUMN monitoring.vw_missing_spot_volume.observed_timestamp IS
'The newest exchange/info answer not later than the row that had a spot volume.';
COMMENT ON COLUMN monitoring.vw_missing_spot_volume.reason IS
'no exchange/info by then: none of this exchange is as old as the row. never observed by then: they all lacked the '
'volume. not carried forward yet: an earlier one has it, and fill_nulls_spot_volume_and_wallet_weight() has not run '
'since. not taken from exchange/info: the newest one has it, and the row should too.';
