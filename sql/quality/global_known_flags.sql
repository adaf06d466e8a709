-- table: fact_global_market
-- severity: error
-- description: A flag does not say whether its KPI is known.
-- action: Rebuild the window from Bronze (`cryptoelt backfill --table fact_global_market --rebuild`); report it if it comes back.
SELECT snapshot_timestamp, btc_dominance_delta, defi_volume_share, market_liquidity_ratio
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND ROW(
    check_btc_dominance_delta, check_eth_dominance_delta, check_defi_volume_share,
    check_stablecoin_market_share, check_market_liquidity_ratio, check_crypto_growth_rate_30d
) IS DISTINCT FROM ROW(
    btc_dominance_delta IS NOT NULL, eth_dominance_delta IS NOT NULL, defi_volume_share IS NOT NULL,
    stablecoin_market_share IS NOT NULL, market_liquidity_ratio IS NOT NULL, crypto_growth_rate_30d IS NOT NULL
)
ORDER BY snapshot_timestamp
