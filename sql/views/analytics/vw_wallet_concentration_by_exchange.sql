CREATE OR REPLACE VIEW analytics.vw_wallet_concentration_by_exchange AS
SELECT
    a.exchange_id,
    e.name,
    a.snapshot_timestamp,
    count(DISTINCT (a.blockchain_name, a.wallet_address)) AS wallet_count,
    count(*) AS holding_count,
    avg(a.wallet_weight) AS avg_weight,
    max(a.wallet_weight) AS max_weight,
    sum(a.wallet_weight * a.wallet_weight) AS herfindahl_index
FROM dwh.fact_exchange_assets AS a
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = a.exchange_id
WHERE a.wallet_weight IS NOT NULL
GROUP BY a.exchange_id, e.name, a.snapshot_timestamp;

COMMENT ON VIEW analytics.vw_wallet_concentration_by_exchange IS
'How concentrated the assets of each exchange are, by snapshot, for analysts. A holding is what one record says '
'that a wallet has of one coin; those whose value is not known are left out.';
COMMENT ON COLUMN analytics.vw_wallet_concentration_by_exchange.name IS 'As the newest map names the exchange.';
COMMENT ON COLUMN analytics.vw_wallet_concentration_by_exchange.wallet_count IS
'Different addresses, each counted once on each blockchain.';
COMMENT ON COLUMN analytics.vw_wallet_concentration_by_exchange.avg_weight IS
'Mean of wallet_weight over the holdings: a share, 0 to 1, of what the exchange holds.';
COMMENT ON COLUMN analytics.vw_wallet_concentration_by_exchange.max_weight IS 'Share, 0 to 1, of the largest holding.';
COMMENT ON COLUMN analytics.vw_wallet_concentration_by_exchange.herfindahl_index IS
'Sum of the squared weights: 1 where everything is in one holding, 1 / holding_count where all are equal.';
