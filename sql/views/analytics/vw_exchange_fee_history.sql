CREATE OR REPLACE VIEW analytics.vw_exchange_fee_history AS
SELECT
    m.exchange_id,
    e.name,
    m.snapshot_timestamp,
    m.maker_fee,
    m.taker_fee,
    m.info_snapshot_timestamp,
    m.is_imputed
FROM dwh.dim_exchange_map AS m
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = m.exchange_id;

COMMENT ON VIEW analytics.vw_exchange_fee_history IS
'Fees of each active exchange at every map snapshot, for analysts. Fees are asked for weekly: each row has those of '
'the newest answer by then.';
COMMENT ON COLUMN analytics.vw_exchange_fee_history.name IS 'As the newest map names the exchange.';
COMMENT ON COLUMN analytics.vw_exchange_fee_history.maker_fee IS 'As the API sent it; negative where makers are paid.';
COMMENT ON COLUMN analytics.vw_exchange_fee_history.taker_fee IS 'As the API sent it; negative where takers are paid.';
COMMENT ON COLUMN analytics.vw_exchange_fee_history.info_snapshot_timestamp IS
'The exchange/info answer that the fees come from: the newest not later than snapshot_timestamp.';
COMMENT ON COLUMN analytics.vw_exchange_fee_history.is_imputed IS
'True where that answer lacked a figure and the last observed one was carried forward.';
