-- table: fact_global_market
-- severity: warning
-- description: A worth, a volume or a count of the whole market is below zero.
-- action: Look at the record in Bronze (`cryptoelt trace fact_global_market snapshot_timestamp=...`).
SELECT snapshot_timestamp, total_market_cap, total_volume_24h, active_cryptocurrencies, active_exchanges
FROM dwh.fact_global_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (
    least(
        total_market_cap, total_volume_24h, total_volume_24h_reported, altcoin_market_cap, altcoin_volume_24h,
        defi_market_cap, defi_volume_24h, stablecoin_market_cap, stablecoin_volume_24h, derivatives_volume_24h
    ) < 0 OR least(
        active_cryptocurrencies, total_cryptocurrencies, active_market_pairs, active_exchanges, total_exchanges,
        total_crypto_dex_currencies, new_cryptos_today, new_cryptos_last_24h, new_cryptos_last_7d, new_cryptos_last_30d
    ) < 0
)
ORDER BY snapshot_timestamp
