CREATE OR REPLACE VIEW monitoring.vw_wallet_weight_anomalies AS
WITH weighed AS (
    SELECT
        a.exchange_id,
        a.snapshot_timestamp,
        a.blockchain_name,
        a.wallet_address,
        a.crypto_id,
        a.entry,
        a.total_usd_value,
        a.spot_volume_usd,
        a.wallet_weight,
        a.value_to_volume_ratio,
        sum(a.wallet_weight) OVER (PARTITION BY a.exchange_id, a.snapshot_timestamp) AS exchange_weight_sum
    FROM dwh.fact_exchange_assets AS a
),
judged AS (
    SELECT
        w.*,
        coalesce(w.wallet_weight NOT BETWEEN 0 AND 1, FALSE) AS is_weight_out_of_range,
        coalesce(abs(w.exchange_weight_sum - 1) > 1e-6, FALSE) AS is_weight_sum_off,
        coalesce(w.value_to_volume_ratio > 100, FALSE) AS is_value_above_volume
    FROM weighed AS w
)
SELECT
    j.exchange_id,
    e.name,
    j.snapshot_timestamp,
    j.blockchain_name,
    j.wallet_address,
    j.crypto_id,
    j.entry,
    j.total_usd_value,
    j.spot_volume_usd,
    j.wallet_weight,
    j.exchange_weight_sum,
    j.value_to_volume_ratio,
    j.is_weight_out_of_range,
    j.is_weight_sum_off,
    j.is_value_above_volume
FROM judged AS j
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = j.exchange_id
WHERE j.is_weight_out_of_range OR j.is_weight_sum_off OR j.is_value_above_volume;

COMMENT ON VIEW monitoring.vw_wallet_weight_anomalies IS
'Holdings of exchanges whose weight cannot be right, or which are out of proportion to what the exchange trades, for '
'whoever judges the data; the last three columns say which. A weight that is not known is none.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.name IS 'Of the exchange, as the newest map names it.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.entry IS
'From 1: tells the balances of one wallet, blockchain and coin apart, the largest first.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.wallet_weight IS
'Share, 0 to 1, of total_usd_value in what the exchange holds at this snapshot.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.exchange_weight_sum IS
'Sum of wallet_weight over all holdings of the exchange at this snapshot: 1, where nothing is wrong.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.value_to_volume_ratio IS 'total_usd_value / spot_volume_usd.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.is_weight_out_of_range IS
'wallet_weight is below 0 or above 1.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.is_weight_sum_off IS
'exchange_weight_sum differs from 1 by more than 0.000001: every holding of the exchange is listed.';
COMMENT ON COLUMN monitoring.vw_wallet_weight_anomalies.is_value_above_volume IS
'value_to_volume_ratio is above 100: what was called an anomaly when this ratio was the weight.';
