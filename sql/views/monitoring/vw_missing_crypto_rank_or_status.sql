CREATE OR REPLACE VIEW monitoring.vw_missing_crypto_rank_or_status AS
SELECT
    m.crypto_id,
    c.name,
    c.symbol,
    m.snapshot_timestamp,
    m.rank,
    m.is_active
FROM dwh.dim_crypto_map AS m
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = m.crypto_id
WHERE m.rank IS NULL OR m.is_active IS NULL;

COMMENT ON VIEW monitoring.vw_missing_crypto_rank_or_status IS
'Map rows of coins without a rank or a status, for whoever judges the data.';
COMMENT ON COLUMN monitoring.vw_missing_crypto_rank_or_status.is_active IS
'1 where the coin is active, 0 where it is not.';
