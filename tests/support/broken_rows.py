"""For each quality check what breaks one thing that it must find, in the healthy market of `healthy.py`."""

from __future__ import annotations

from tests.support.healthy import NEWEST, SILENT_EXCHANGE, UNMAPPED_COIN

_NOW = f"snapshot_timestamp = '{NEWEST.isoformat()}'"
_A_WEEK_AGO = f"timestamptz '{NEWEST.isoformat()}' - interval '8 days'"


def _set(table: str, what: str, where: str) -> str:
    return f"UPDATE dwh.{table} SET {what} WHERE {where}"


def _market(what: str) -> str:
    return _set("fact_crypto_market", what, f"crypto_id = 2 AND {_NOW}")


def _category(what: str) -> str:
    return _set("fact_crypto_category", what, f"category_id = 'c2' AND {_NOW}")


def _global(what: str) -> str:
    return _set("fact_global_market", what, _NOW)


def _sentiment(what: str) -> str:
    return _set("fact_market_sentiment", what, _NOW)


def _exchange_info(what: str) -> str:
    return _set("fact_exchange_info", what, f"exchange_id = 2 AND {_NOW}")


def _exchange_map(what: str) -> str:
    return _set("dim_exchange_map", what, f"exchange_id = 2 AND {_NOW}")


def _assets(what: str) -> str:
    return _set("fact_exchange_assets", what, f"exchange_id = 1 AND crypto_id = 1 AND {_NOW}")


def _two_gone(table: str, key: str, *keys: object) -> str:
    return f"DELETE FROM dwh.{table} WHERE {key} = ANY(ARRAY{list(keys)}) AND {_NOW}"


def _earlier_end(table: str) -> str:
    return _set(f"{table}_history", "valid_to = valid_to - interval '1 minute'", "true")


def _inferred_for_long(source: str) -> str:
    return f"is_inferred = true, inferred_from = '{source}', snapshot_timestamp = {_A_WEEK_AGO}"


BROKEN: dict[str, str] = {
    # coins
    "crypto_name_missing": _set("dim_crypto_id", "symbol = NULL", "crypto_id = 2"),
    "crypto_inferred_flag": _set("dim_crypto_id", "inferred_from = NULL", f"crypto_id = {UNMAPPED_COIN}"),
    "crypto_inferred_long": _set("dim_crypto_id", _inferred_for_long("fact_crypto_market"), "crypto_id = 6"),
    "crypto_history": _earlier_end("dim_crypto_id"),
    "crypto_map_rank": _set("dim_crypto_map", "rank = 0", f"crypto_id = 2 AND {_NOW}"),
    "crypto_map_status": _set("dim_crypto_map", "is_active = 2", f"crypto_id = 2 AND {_NOW}"),
    "crypto_map_missing": _set("dim_crypto_map", "rank = NULL", f"crypto_id = 2 AND {_NOW}"),
    "crypto_map_incomplete": _two_gone("dim_crypto_map", "crypto_id", 1, 2),
    "crypto_info_urls_missing": _set("dim_crypto_info", "logo_url = NULL", "crypto_id = 2"),
    "crypto_info_slug_missing": _set("dim_crypto_info", "slug = NULL", "crypto_id = 2"),
    "crypto_info_category": _set("dim_crypto_info", "category = 'pebble'", "crypto_id = 2"),
    "crypto_info_dates": _set("dim_crypto_info", "date_launched = '1970-01-01'", "crypto_id = 2"),
    "crypto_info_snapshot_date": _set("dim_crypto_info", "snapshot_date = snapshot_date - 1", "crypto_id = 2"),
    "crypto_info_history": _earlier_end("dim_crypto_info"),
    "market_price_missing": _market("price_usd = NULL"),
    "market_price_negative": _market("price_usd = -1"),
    "market_volume_negative": _market("num_market_pairs = -1"),
    "market_cap_negative": _market("fully_diluted_market_cap_usd = -1"),
    "market_supply_negative": _market("self_reported_circulating_supply = -1"),
    "market_supply_exceeded": _market("max_supply = 100"),
    "market_rank": _market("cmc_rank = 0"),
    "market_rank_repeated": _market("cmc_rank = 5"),
    "market_percent_change": _market("percent_change_7d_usd = -100.1"),
    "market_volume_over_cap": _market("volume_to_market_cap_ratio = 10.1"),
    "market_cap_disagrees": _market("price_usd = 1.06 * price_usd"),
    "market_dominance_sum": _market("market_cap_dominance_usd = NULL"),
    "market_stale": _market("last_updated_usd = '2026-11-21T10:00:00.000Z'"),
    "market_kpis": _market("supply_utilization = supply_utilization * (1 + 2e-9)"),
    "market_incomplete": _two_gone("fact_crypto_market", "crypto_id", 1, 2),
    # categories
    "category_name_missing": _set("dim_crypto_category", "name = NULL", "category_id = 'c2'"),
    "category_inferred_flag": _set("dim_crypto_category", "is_inferred = true", "category_id = 'c2'"),
    "category_inferred_long": _set(
        "dim_crypto_category", _inferred_for_long("link_crypto_category"), "category_id = 'c2'"
    ),
    "category_history": _earlier_end("dim_crypto_category"),
    "category_market_negative": _category("volume = -1"),
    "category_market_missing": _category("num_tokens = NULL"),
    "category_volume_over_cap": _category("volume_to_market_cap_ratio = 10.1"),
    "category_price_index": _category("price_change_index = -101"),
    "category_kpis": _category("market_cap_change_rate = market_cap_change"),
    "category_list_incomplete": _two_gone("fact_crypto_category", "category_id", "c4", "c5"),
    "membership_interval": _set("link_crypto_category", "valid_to = valid_from", "valid_to IS NOT NULL"),
    "membership_overlap": _set(
        "link_crypto_category",
        "valid_to = valid_to + interval '1 hour', snapshot_timestamp = valid_to + interval '1 hour'",
        "valid_to IS NOT NULL",
    ),
    "membership_vanished": f"DELETE FROM dwh.fact_crypto_category WHERE category_id = 'c1' AND {_NOW}",
    "membership_count": _category("num_tokens = 9"),
    # exchanges
    "exchange_name_missing": _set("dim_exchange_id", "name = NULL", "exchange_id = 2"),
    "exchange_inferred_flag": _set("dim_exchange_id", "is_inferred = true", "exchange_id = 2"),
    "exchange_inferred_long": _set("dim_exchange_id", _inferred_for_long("fact_exchange_info"), "exchange_id = 2"),
    "exchange_history": _earlier_end("dim_exchange_id"),
    "exchange_info_urls_missing": _set("dim_exchange_info", "website_url = NULL", "exchange_id = 2"),
    "exchange_info_launched": _set("dim_exchange_info", "date_launched = '2017-07-14'", "exchange_id = 2"),
    "exchange_info_fiats": _set("dim_exchange_info", "fiats = ARRAY['USD', '']", "exchange_id = 2"),
    "exchange_info_history": _earlier_end("dim_exchange_info"),
    "exchange_volume_negative": _exchange_info("spot_volume_usd = -1"),
    "exchange_fees": _exchange_info("taker_fee = 0.51"),
    "exchange_visits": _exchange_info("weekly_visits = 100000001"),
    "exchange_info_incomplete": _two_gone("fact_exchange_info", "exchange_id", 4, 5),
    "exchange_map_figures": _exchange_map("maker_fee = 0.2"),
    "exchange_map_imputed": _exchange_map("is_imputed = true"),
    "exchange_map_info_old": _set(
        "dim_exchange_map", f"info_snapshot_timestamp = {_A_WEEK_AGO} - interval '8 days'", _NOW
    ),
    "exchange_map_missing": _exchange_map("(maker_fee, taker_fee, weekly_visits) = ROW(NULL, NULL, NULL)"),
    "exchange_map_incomplete": _two_gone("dim_exchange_map", "exchange_id", 4, 5),
    "assets_negative": _assets("balance = -1"),
    "assets_weights": _assets("wallet_weight = wallet_weight + 2e-6"),
    "assets_kpis": _assets("value_to_volume_ratio = NULL"),
    "assets_volume": _assets("spot_volume_usd = 2e6"),
    "assets_imputed": _assets("is_imputed = true"),
    "assets_volume_missing": _assets("spot_volume_usd = NULL"),
    "assets_incomplete": f"DELETE FROM dwh.fact_exchange_assets WHERE (exchange_id = {SILENT_EXCHANGE}"
    f" OR crypto_id = 2) AND {_NOW}",
    # the whole market and its mood
    "global_figures_missing": _global("total_volume_24h = NULL"),
    "global_dominance": _global("eth_dominance = 41"),
    "global_negative": _global("new_cryptos_today = -1"),
    "global_counts": _global("active_exchanges = 10001"),
    "global_parts": _global("altcoin_market_cap = 4e12"),
    "global_defi_share": _global("defi_volume_share = 1.1"),
    "global_liquidity": _global("market_liquidity_ratio = 0.0009"),
    "global_kpis": _global("btc_dominance_delta = -btc_dominance_delta"),
    "global_known_flags": _global("check_defi_volume_share = false"),
    "global_new_coins": _global("new_cryptos_last_30d = 60"),
    "global_outdated": _global("last_updated_timestamp = snapshot_timestamp - interval '16 minutes'"),
    "global_yesterday": _global("total_market_cap_yesterday_change = -2"),
    "global_cap_jump": _global("total_market_cap = 2e12"),
    "sentiment_score": _sentiment("fear_greed_score = 101"),
    "sentiment_label_missing": _sentiment("sentiment_label = NULL"),
    "sentiment_label": _sentiment("sentiment_label = 'Greed'"),
    "sentiment_value_time": _sentiment("value_timestamp = snapshot_timestamp - interval '49 hours'"),
    # the load's account of itself
    "batch_rows": f"DELETE FROM dwh.fact_global_market WHERE {_NOW}",
    "batch_missing": _global("load_batch_id = 0"),
    "batch_future": "UPDATE ops.load_batch SET snapshots = ARRAY[timestamptz '2027-01-01 00:00:00+00']"
    " WHERE load_batch_id = 1",
}
