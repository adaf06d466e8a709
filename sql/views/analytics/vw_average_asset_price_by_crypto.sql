CREATE OR REPLACE VIEW analytics.vw_average_asset_price_by_crypto AS
SELECT
    a.crypto_id,
    c.name,
    c.symbol,
    a.snapshot_timestamp,
    avg(a.currency_price_usd) AS avg_price_usd,
    count(*) AS holding_count
FROM dwh.fact_exchange_assets AS a
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = a.crypto_id
WHERE a.currency_price_usd IS NOT NULL
GROUP BY a.crypto_id, c.name, c.symbol, a.snapshot_timestamp;

COMMENT ON VIEW analytics.vw_average_asset_price_by_crypto IS
'Mean price at which the holdings of exchanges in each coin were valued, by snapshot, for analysts. Holdings without '
'a price are left out.';
COMMENT ON COLUMN analytics.vw_average_asset_price_by_crypto.name IS 'As the newest map names the coin.';
COMMENT ON COLUMN analytics.vw_average_asset_price_by_crypto.symbol IS 'As the newest map names the coin; not unique.';
COMMENT ON COLUMN analytics.vw_average_asset_price_by_crypto.avg_price_usd IS
'Mean of currency_price_usd over the holdings of all exchanges, not weighted by their size.';
COMMENT ON COLUMN analytics.vw_average_asset_price_by_crypto.holding_count IS
'Over how many holdings: one is what one record says that a wallet has of the coin.';
