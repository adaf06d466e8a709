CREATE OR REPLACE VIEW monitoring.vw_missing_crypto_prices AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.cmc_rank,
    f.last_updated_usd
FROM dwh.fact_crypto_market AS f
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE f.price_usd IS NULL;

COMMENT ON VIEW monitoring.vw_missing_crypto_prices IS
'Market rows without a price, for whoever judges the data. A price of 0 was sent as such and is none of them.';
COMMENT ON COLUMN monitoring.vw_missing_crypto_prices.last_updated_usd IS
'When the provider last renewed this quote, as sent.';
