CREATE OR REPLACE VIEW analytics.vw_crypto_info_overview AS
SELECT
    i.crypto_id,
    c.name,
    c.symbol,
    i.slug,
    i.category,
    i.tags,
    i.description,
    i.date_added,
    i.date_launched,
    i.logo_url,
    i.website_url,
    i.technical_doc_url,
    i.explorer_url,
    i.source_code_url,
    i.twitter_url,
    i.snapshot_timestamp
FROM dwh.dim_crypto_info AS i
LEFT JOIN dwh.dim_crypto_id AS c ON c.crypto_id = i.crypto_id;

COMMENT ON VIEW analytics.vw_crypto_info_overview IS
'What each coin is and where to read about it, with logo and links, one row a coin; for cards and drill-downs of '
'dashboards. Coins of which no info was fetched yet are not there.';
COMMENT ON COLUMN analytics.vw_crypto_info_overview.name IS 'As the newest map names the coin.';
COMMENT ON COLUMN analytics.vw_crypto_info_overview.symbol IS 'As the newest map names the coin; not unique.';
COMMENT ON COLUMN analytics.vw_crypto_info_overview.category IS 'coin or token.';
COMMENT ON COLUMN analytics.vw_crypto_info_overview.description IS
'Holds figures of the moment at which it was fetched.';
COMMENT ON COLUMN analytics.vw_crypto_info_overview.snapshot_timestamp IS
'The snapshot that last changed what is said here.';
