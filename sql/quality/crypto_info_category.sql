-- table: dim_crypto_info
-- severity: info
-- description: A coin is neither a coin nor a token.
-- action: Look at what the API calls it now, and at the queries that tell coins from tokens.
SELECT crypto_id, snapshot_timestamp, category
FROM dwh.dim_crypto_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND category NOT IN ('coin', 'token')
ORDER BY crypto_id
