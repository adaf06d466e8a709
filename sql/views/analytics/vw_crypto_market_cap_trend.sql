CREATE OR REPLACE VIEW analytics.vw_crypto_market_cap_trend AS
SELECT
    f.crypto_id,
    f.snapshot_timestamp,
    f.market_cap_usd,
    f.market_cap_dominance_usd,
    f.fully_diluted_market_cap_usd
FROM dwh.fact_crypto_market AS f;

COMMENT ON VIEW analytics.vw_crypto_market_cap_trend IS
'Market cap, fully diluted market cap and dominance of each coin over time, for the market cap dashboard, which sums '
'them over all coins of a snapshot. It names no coin, so that such a sum is read from one index; join '
'dwh.dim_crypto_id for names.';
COMMENT ON COLUMN analytics.vw_crypto_market_cap_trend.market_cap_dominance_usd IS
'Percent of the whole market, as the API sent it: over all coins of a complete snapshot about 100.';
COMMENT ON COLUMN analytics.vw_crypto_market_cap_trend.fully_diluted_market_cap_usd IS
'What the market cap would be with the whole supply in circulation.';
