-- table: fact_crypto_market
-- severity: info
-- description: A market capitalisation is more than 5 % off price times circulating supply, the rounding of the price aside.
-- action: Nothing for a few coins; for many, see whether the API computes it otherwise now.
SELECT crypto_id, snapshot_timestamp, market_cap_usd, price_usd, circulating_supply
FROM dwh.fact_crypto_market
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND CASE WHEN abs(price_usd) < 1e100 AND abs(circulating_supply) < 1e100 AND market_cap_usd > 0
    -- The smallest prices are sent with one or two digits, the last of which is the tenth decimal.
    THEN abs(market_cap_usd - price_usd * circulating_supply) > 0.05 * market_cap_usd + 1e-10 * circulating_supply END
ORDER BY snapshot_timestamp, crypto_id
