CREATE OR REPLACE VIEW analytics.vw_crypto_market_rank_history AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.cmc_rank,
    f.num_market_pairs
FROM dwh.fact_crypto_market AS f
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE f.cmc_rank IS NOT NULL;

COMMENT ON VIEW analytics.vw_crypto_market_rank_history IS
'Rank of each coin and number of its market pairs at every listings snapshot that ranked it, for analysts.';
COMMENT ON COLUMN analytics.vw_crypto_market_rank_history.name IS 'As the newest map names the coin.';
COMMENT ON COLUMN analytics.vw_crypto_market_rank_history.symbol IS 'As the newest map names the coin; not unique.';
COMMENT ON COLUMN analytics.vw_crypto_market_rank_history.cmc_rank IS
'By market cap, as the provider ranks; 1 is the largest.';
