CREATE OR REPLACE VIEW analytics.vw_crypto_price_evolution AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.price_usd,
    f.percent_change_1h_usd,
    f.percent_change_24h_usd,
    f.percent_change_7d_usd
FROM dwh.fact_crypto_market AS f
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE f.price_usd IS NOT NULL;

COMMENT ON VIEW analytics.vw_crypto_price_evolution IS
'Price of each coin over time and its changes as the provider states them, for analysts. The changes are the '
'provider''s own, so a snapshot that is missing or late does not shift them.';
COMMENT ON COLUMN analytics.vw_crypto_price_evolution.name IS 'As the newest map names the coin.';
COMMENT ON COLUMN analytics.vw_crypto_price_evolution.symbol IS 'As the newest map names the coin; not unique.';
COMMENT ON COLUMN analytics.vw_crypto_price_evolution.percent_change_1h_usd IS
'Percent, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN analytics.vw_crypto_price_evolution.percent_change_24h_usd IS
'Percent, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN analytics.vw_crypto_price_evolution.percent_change_7d_usd IS
'Percent, as the API sent it: 3.05 means 3.05 %.';
