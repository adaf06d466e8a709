CREATE OR REPLACE VIEW analytics.vw_crypto_creation_activity AS
SELECT
    snapshot_timestamp,
    total_crypto_dex_currencies,
    total_cryptocurrencies,
    new_cryptos_today,
    new_cryptos_last_24h,
    new_cryptos_last_7d,
    new_cryptos_last_30d,
    new_cryptos_today_pct,
    crypto_growth_rate_30d,
    max_daily_new_cryptos,
    max_new_cryptos_day,
    min_daily_new_cryptos,
    min_new_cryptos_day
FROM dwh.fact_global_market;

COMMENT ON VIEW analytics.vw_crypto_creation_activity IS
    'Bad data from the API, shown as sent and not fit for decisions: the counts of new coins do not fit the counts '
    'of coins (tens of thousands a day, against as many in all). It shows what the API says of new coins at each '
    'global-metrics snapshot.';
COMMENT ON COLUMN analytics.vw_crypto_creation_activity.total_crypto_dex_currencies IS
    'Tokens of decentralised exchanges, hundreds of times as many as total_cryptocurrencies.';
COMMENT ON COLUMN analytics.vw_crypto_creation_activity.new_cryptos_today IS
    'Since midnight UTC as the API counts it, so it grows over the day.';
COMMENT ON COLUMN analytics.vw_crypto_creation_activity.new_cryptos_today_pct IS
    'As the API sent it; it does not say against what.';
COMMENT ON COLUMN analytics.vw_crypto_creation_activity.crypto_growth_rate_30d IS
    'new_cryptos_last_30d / total_cryptocurrencies; above 1 where the two counts do not fit. NULL where that is '
    'undefined.';
COMMENT ON COLUMN analytics.vw_crypto_creation_activity.max_new_cryptos_day IS
    'The day of max_daily_new_cryptos within the last year.';
COMMENT ON COLUMN analytics.vw_crypto_creation_activity.min_new_cryptos_day IS
    'The day of min_daily_new_cryptos within the last year.';
