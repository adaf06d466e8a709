CREATE OR REPLACE VIEW monitoring.vw_crypto_missing_names_or_symbols AS
SELECT
    c.crypto_id,
    c.name,
    c.symbol,
    c.snapshot_timestamp,
    c.is_inferred,
    c.inferred_from
FROM dwh.dim_crypto_id AS c
WHERE c.name IS NULL OR c.symbol IS NULL;

COMMENT ON VIEW monitoring.vw_crypto_missing_names_or_symbols IS
'Coins without a name or a symbol, for whoever runs the pipeline: an inferred one waits for its map, any other was '
'sent like this.';
COMMENT ON COLUMN monitoring.vw_crypto_missing_names_or_symbols.snapshot_timestamp IS
'The snapshot that last changed the coin.';
COMMENT ON COLUMN monitoring.vw_crypto_missing_names_or_symbols.is_inferred IS
'True while only other records have named the coin and no map has.';
COMMENT ON COLUMN monitoring.vw_crypto_missing_names_or_symbols.inferred_from IS
'The table whose record named it; NULL once a map has.';
