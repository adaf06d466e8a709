CREATE OR REPLACE VIEW monitoring.vw_missing_urls AS
SELECT
    i.exchange_id,
    e.name,
    i.website_url,
    i.logo_url,
    i.snapshot_timestamp
FROM dwh.dim_exchange_info AS i
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = i.exchange_id
WHERE i.website_url IS NULL OR i.logo_url IS NULL;

COMMENT ON VIEW monitoring.vw_missing_urls IS
'Exchanges whose newest info has no website or no logo, for whoever designs dashboards. Those of coins are in '
'vw_crypto_missing_urls.';
COMMENT ON COLUMN monitoring.vw_missing_urls.snapshot_timestamp IS 'The snapshot that last changed the info.';
