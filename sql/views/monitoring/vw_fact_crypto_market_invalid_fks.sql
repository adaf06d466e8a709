CREATE OR REPLACE VIEW monitoring.vw_fact_crypto_market_invalid_fks AS
SELECT
    f.crypto_id,
    c.name,
    c.symbol,
    f.snapshot_timestamp,
    f.cmc_rank,
    f.market_cap_usd,
    c.inferred_from
FROM dwh.fact_crypto_market AS f
INNER JOIN dwh.dim_crypto_id AS c ON c.crypto_id = f.crypto_id
WHERE c.is_inferred;

COMMENT ON VIEW monitoring.vw_fact_crypto_market_invalid_fks IS
'Market rows of coins that no map has confirmed yet, for whoever runs the pipeline. The foreign key itself is always '
'met, by an inferred coin: these are the rows that a filter on known coins would have dropped. They leave this view '
'when the map with their coin is loaded; those that stay for days point to a map that is incomplete.';
COMMENT ON COLUMN monitoring.vw_fact_crypto_market_invalid_fks.name IS 'As the record that first named the coin says.';
COMMENT ON COLUMN monitoring.vw_fact_crypto_market_invalid_fks.symbol IS
'As the record that first named the coin says.';
COMMENT ON COLUMN monitoring.vw_fact_crypto_market_invalid_fks.inferred_from IS
'The table whose record named the coin.';
