CREATE OR REPLACE VIEW analytics.vw_crypto_volume_vs_price AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.price_usd,
    f.volume_24h_usd,
    f.volume_change_24h,
    f.percent_change_24h_usd,
    f.volume_to_market_cap_ratio
FROM dwh.fact_crypto_market AS f
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE f.price_usd IS NOT NULL AND f.volume_24h_usd IS NOT NULL;

COMMENT ON VIEW analytics.vw_crypto_volume_vs_price IS
'Price and traded volume of each coin side by side, over time, for analysts. Snapshots that lack one of the two are '
'left out.';
COMMENT ON COLUMN analytics.vw_crypto_volume_vs_price.name IS 'As the newest map names the coin.';
COMMENT ON COLUMN analytics.vw_crypto_volume_vs_price.symbol IS 'As the newest map names the coin; not unique.';
COMMENT ON COLUMN analytics.vw_crypto_volume_vs_price.volume_change_24h IS
'Percent, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN analytics.vw_crypto_volume_vs_price.percent_change_24h_usd IS
'Percent, of the price, as the API sent it: 3.05 means 3.05 %.';
COMMENT ON COLUMN analytics.vw_crypto_volume_vs_price.volume_to_market_cap_ratio IS
'volume_24h_usd / market cap; NULL where that is undefined.';
