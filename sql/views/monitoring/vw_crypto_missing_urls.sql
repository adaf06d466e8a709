CREATE OR REPLACE VIEW monitoring.vw_crypto_missing_urls AS
SELECT
    i.crypto_id,
    c.name,
    c.symbol,
    i.logo_url,
    i.website_url,
    i.snapshot_timestamp
FROM dwh.dim_crypto_info AS i
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = i.crypto_id
WHERE i.logo_url IS NULL OR i.website_url IS NULL;

COMMENT ON VIEW monitoring.vw_crypto_missing_urls IS
'Coins whose newest info has no logo or no website, for whoever designs dashboards. Coins of which no info was '
'fetched yet are not there.';
COMMENT ON COLUMN monitoring.vw_crypto_missing_urls.snapshot_timestamp IS 'The snapshot that last changed the info.';
