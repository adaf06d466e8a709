-- table: dim_crypto_info
-- severity: info
-- description: A coin has no logo or no website.
-- action: Nothing for a few coins; for many, see whether the API has renamed a field.
SELECT crypto_id, snapshot_timestamp, logo_url, website_url
FROM dwh.dim_crypto_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND (logo_url IS NULL OR website_url IS NULL)
ORDER BY crypto_id
