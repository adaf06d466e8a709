CREATE OR REPLACE VIEW analytics.vw_exchange_supported_fiats AS
SELECT DISTINCT
    i.exchange_id,
    e.name,
    fiat.fiat_currency
FROM dwh.dim_exchange_info AS i
CROSS JOIN LATERAL unnest(i.fiats) AS fiat (fiat_currency)
LEFT JOIN dwh.dim_exchange_id AS e ON e.exchange_id = i.exchange_id
WHERE fiat.fiat_currency <> '';

COMMENT ON VIEW analytics.vw_exchange_supported_fiats IS
'Which currencies each exchange accepts, by the newest info, one row an exchange and currency; for analysts and '
'filters of dashboards. An exchange that names none is not there.';
COMMENT ON COLUMN analytics.vw_exchange_supported_fiats.name IS 'As the newest map names the exchange.';
COMMENT ON COLUMN analytics.vw_exchange_supported_fiats.fiat_currency IS 'Its code, such as EUR.';
