-- table: dim_exchange_info
-- severity: info
-- description: An exchange has no logo or no website.
-- action: Nothing for a few exchanges; for many, see whether the API has renamed a field.
SELECT exchange_id, snapshot_timestamp, logo_url, website_url
FROM dwh.dim_exchange_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND (logo_url IS NULL OR website_url IS NULL)
ORDER BY exchange_id
