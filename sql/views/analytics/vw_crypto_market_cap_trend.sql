-- Names are looked up, not joined: a join, though removed from a plan that needs no name, keeps the sums over all
-- coins from being read from the index alone (seen with PostgreSQL 15 and 18). The sums over a list that was cut short
-- would be those of no market; there are few such, so they are an array, which reads no row of its own.
CREATE OR REPLACE VIEW analytics.vw_crypto_market_cap_trend AS
SELECT
    f.crypto_id,
    (SELECT c.name FROM dwh.dim_crypto_id AS c WHERE c.crypto_id = f.crypto_id) AS name,
    (SELECT c.symbol FROM dwh.dim_crypto_id AS c WHERE c.crypto_id = f.crypto_id) AS symbol,
    f.snapshot_timestamp,
    f.market_cap_usd,
    f.market_cap_dominance_usd,
    f.fully_diluted_market_cap_usd
FROM dwh.fact_crypto_market AS f
WHERE f.snapshot_timestamp <> ALL (ARRAY(
    SELECT i.snapshot_timestamp
    FROM ops.incomplete_snapshot AS i
    WHERE i.table_name = 'fact_crypto_market' AND i.completed_at IS NULL
));

COMMENT ON VIEW analytics.vw_crypto_market_cap_trend IS
'Market cap, fully diluted market cap and dominance of each coin over time, for the market cap dashboard, which sums '
'them over all coins of a snapshot; incomplete snapshots are left out. Choose coins by crypto_id: a name is looked up for every row that is asked for it.';
COMMENT ON COLUMN analytics.vw_crypto_market_cap_trend.name IS 'As the newest map names the coin.';
COMMENT ON COLUMN analytics.vw_crypto_market_cap_trend.symbol IS 'As the newest map names the coin; not unique.';
COMMENT ON COLUMN analytics.vw_crypto_market_cap_trend.market_cap_dominance_usd IS
'Percent of the whole market, as the API sent it: over all coins of a complete snapshot about 100.';
COMMENT ON COLUMN analytics.vw_crypto_market_cap_trend.fully_diluted_market_cap_usd IS
'What the market cap would be with the whole supply in circulation.';
