CREATE OR REPLACE VIEW analytics.vw_exchange_info_overview AS
SELECT
    i.exchange_id,
    e.name,
    i.slug,
    i.description,
    i.date_launched,
    i.fiats,
    i.logo_url,
    i.website_url,
    i.twitter_url,
    i.blog_url,
    i.fee_url,
    i.snapshot_timestamp
FROM dwh.dim_exchange_info AS i
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = i.exchange_id;

COMMENT ON VIEW analytics.vw_exchange_info_overview IS
'What each exchange is and where to read about it, with logo and links, one row an exchange; for cards and '
'drill-downs of dashboards.';
COMMENT ON COLUMN analytics.vw_exchange_info_overview.name IS 'As the newest map names the exchange.';
COMMENT ON COLUMN analytics.vw_exchange_info_overview.date_launched IS 'UTC, as YYYY-MM-DD HH:MM:SS.';
COMMENT ON COLUMN analytics.vw_exchange_info_overview.fiats IS
'Codes of the currencies it accepts; NULL where none was sent. vw_exchange_supported_fiats has one a row.';
COMMENT ON COLUMN analytics.vw_exchange_info_overview.snapshot_timestamp IS
'The snapshot that last changed what is said here.';
