-- table: fact_exchange_info
-- severity: info
-- description: A fee is above 0.5 % or pays the trader as much.
-- action: Compare it with the exchange's own page (fee_url): some are sent in another unit.
SELECT exchange_id, snapshot_timestamp, maker_fee, taker_fee
FROM dwh.fact_exchange_info
WHERE snapshot_timestamp IN (SELECT snapshot_timestamp FROM scope)
AND (maker_fee NOT BETWEEN -0.5 AND 0.5 OR taker_fee NOT BETWEEN -0.5 AND 0.5)
ORDER BY snapshot_timestamp, exchange_id
