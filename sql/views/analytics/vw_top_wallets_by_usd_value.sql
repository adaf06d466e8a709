CREATE OR REPLACE VIEW analytics.vw_top_wallets_by_usd_value AS
SELECT
    a.exchange_id,
    e.name,
    a.snapshot_timestamp,
    a.blockchain_name,
    a.wallet_address,
    a.crypto_id,
    a.entry,
    c.name AS crypto_name,
    c.symbol AS crypto_symbol,
    a.balance,
    a.total_usd_value,
    a.wallet_weight,
    CASE
        WHEN a.total_usd_value IS NOT NULL
            THEN row_number() OVER (
                PARTITION BY a.exchange_id, a.snapshot_timestamp
                ORDER BY a.total_usd_value DESC NULLS LAST, a.blockchain_name, a.wallet_address, a.crypto_id, a.entry
            )
    END AS wallet_rank
FROM dwh.fact_exchange_assets AS a
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = a.exchange_id
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = a.crypto_id;

COMMENT ON VIEW analytics.vw_top_wallets_by_usd_value IS
'What the wallets of each exchange hold, the most valuable first, within each snapshot; for dashboards: filter one '
'snapshot and wallet_rank <= N. A wallet has a row for every coin it holds, and for every balance of it.';
COMMENT ON COLUMN analytics.vw_top_wallets_by_usd_value.name IS 'Of the exchange, as the newest map names it.';
COMMENT ON COLUMN analytics.vw_top_wallets_by_usd_value.entry IS
'From 1: tells the balances of one wallet, blockchain and coin apart, the largest first.';
COMMENT ON COLUMN analytics.vw_top_wallets_by_usd_value.balance IS 'In units of the coin.';
COMMENT ON COLUMN analytics.vw_top_wallets_by_usd_value.total_usd_value IS
'balance * currency_price_usd; NULL where one of them was not sent.';
COMMENT ON COLUMN analytics.vw_top_wallets_by_usd_value.wallet_weight IS
'Share, 0 to 1, of total_usd_value in what the exchange holds at this snapshot.';
COMMENT ON COLUMN analytics.vw_top_wallets_by_usd_value.wallet_rank IS
'1 is the most valuable holding; of equal ones the first by blockchain, address, coin and entry; NULL without a value.';
