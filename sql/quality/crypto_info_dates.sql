-- table: dim_crypto_info
-- severity: info
-- description: A coin was launched or added before Bitcoin, or after it was asked about.
-- action: Do not trust the age of the coin; nothing can be done about what the API says.
SELECT crypto_id, snapshot_timestamp, date_launched, date_added
FROM dwh.dim_crypto_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope) AND (
    least(date_launched, date_added) < date '2009-01-03' OR date_added > snapshot_date + 1
)
ORDER BY crypto_id
