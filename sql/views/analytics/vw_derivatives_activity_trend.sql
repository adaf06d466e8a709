CREATE OR REPLACE VIEW analytics.vw_derivatives_activity_trend AS
SELECT
    snapshot_timestamp,
    derivatives_volume_24h,
    derivatives_volume_24h_reported,
    derivatives_24h_percentage_change,
    derivatives_volume_24h / nullif(total_volume_24h, 0) AS derivatives_to_total_volume_ratio
FROM dwh.fact_global_market;

COMMENT ON VIEW analytics.vw_derivatives_activity_trend IS
    'Trade in derivatives at each global-metrics snapshot. Amounts in US dollars.';
COMMENT ON COLUMN analytics.vw_derivatives_activity_trend.derivatives_volume_24h_reported IS
    'Volume of 24 hours as the exchanges report it.';
COMMENT ON COLUMN analytics.vw_derivatives_activity_trend.derivatives_24h_percentage_change IS
    'Percent over 24 hours, as the API sent it.';
COMMENT ON COLUMN analytics.vw_derivatives_activity_trend.derivatives_to_total_volume_ratio IS
    'derivatives_volume_24h / total_volume_24h; not a share, for the total leaves derivatives out. NULL where that '
    'is undefined.';
