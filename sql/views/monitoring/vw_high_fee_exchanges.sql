CREATE OR REPLACE VIEW monitoring.vw_high_fee_exchanges AS
SELECT
    m.exchange_id,
    e.name,
    m.snapshot_timestamp,
    m.maker_fee,
    m.taker_fee,
    m.info_snapshot_timestamp,
    m.is_imputed
FROM dwh.dim_exchange_map AS m
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = m.exchange_id
WHERE m.maker_fee > 0.5 OR m.taker_fee > 0.5;

COMMENT ON VIEW monitoring.vw_high_fee_exchanges IS
'Map snapshots at which an exchange has a maker or taker fee above 0.5, for whoever judges the data: such a fee is '
'rare and may be a slip at the source.';
COMMENT ON COLUMN monitoring.vw_high_fee_exchanges.maker_fee IS 'As the API sent it.';
COMMENT ON COLUMN monitoring.vw_high_fee_exchanges.taker_fee IS 'As the API sent it.';
COMMENT ON COLUMN monitoring.vw_high_fee_exchanges.info_snapshot_timestamp IS
'The exchange/info answer that the fees come from: the newest not later than snapshot_timestamp.';
COMMENT ON COLUMN monitoring.vw_high_fee_exchanges.is_imputed IS
'True where that answer lacked a figure and the last observed one was carried forward.';
