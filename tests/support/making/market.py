"""Answers about categories, the whole market, its mood and the key; and refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.making.answers import Row, answer, answer_of_v3, data_first, raw
from tests.support.making.coins import listed, quote


def category(id_: str, name: str, tokens: int, **more: Any) -> Row:
    """Return a row of cryptocurrency/categories."""
    about = {"id": id_, "name": name, "title": name, "description": name, "num_tokens": tokens}
    figures = {"avg_price_change": -2.46, "market_cap": 1234567890.12, "market_cap_change": 0.512345}
    volume = {"volume": 612345678.9012345, "volume_change": 1357.246802, "last_updated": "2022-10-24T06:46:17.004Z"}
    return {**about, **figures, **volume, **more}


def categories() -> dict[str, Any]:
    """Return a list of categories: a blank after the name, no worth at all, one whose coins were recorded."""
    rows = [
        category("c1", "Bankruptcy Estate ", 3),
        category("c2", "🐸 Frogs", 5, market_cap=0, volume=0, market_cap_change=0),
        category("c3", "Firsts", 4),
    ]
    return {"2022-10-27_3rows": answer("2022-10-27T00:00:00.000Z", rows)}


def members() -> dict[str, Any]:
    """Return a category with fewer coins than it says it has."""
    coins = [listed(id_, id_, (None, 1e6, 1e6), is_active=1, quote={"USD": quote(2.5, 1e6)}) for id_ in (1, 2, 5)]
    whole = answer("2022-08-03T13:45:00.000Z", {**category("c3", "Firsts", 4), "coins": coins})
    return {"2022-08-03_3of4coins": whole}


def global_quote(cap: float | str, updated: str) -> Row:
    """Return the totals of the whole market."""
    parts = {
        f"{part}_{what}": 1e11 for part in ("altcoin", "defi", "stablecoin") for what in ("volume_24h", "market_cap")
    }
    totals = {"total_market_cap": cap, "total_volume_24h": 1.5e11, "total_volume_24h_reported": 7.4e11, **parts}
    names = ("total_market_cap_yesterday", "total_market_cap_yesterday_percentage_change")
    before = dict(zip(names, (3.0e12, 0.0), strict=True)) | {"total_volume_24h_yesterday": 2.2e11}
    change = {"total_volume_24h_yesterday_percentage_change": -31.2, "altcoin_volume_24h_reported": 5e11}
    return {**totals, **before, **change, "last_updated": updated}


def global_markets() -> dict[str, Any]:
    """Return the whole market: without the newest keys, by the id of the currency, and without most keys."""
    counts = {"active_cryptocurrencies": 9111, "total_cryptocurrencies": 35111, "active_market_pairs": 101234}
    counts |= {"active_exchanges": 811, "total_exchanges": 10123}
    shares: Row = {"btc_dominance": 60.5, "eth_dominance": 11.6, "btc_dominance_yesterday": 60.4}
    shares |= {"eth_dominance_yesterday": 11.7, "btc_dominance_24h_percentage_change": 0.1}
    shares |= {"eth_dominance_24h_percentage_change": raw("-1E-1"), "total_crypto_dex_currencies": 18123456}
    parts: Row = {}
    for part in ("defi", "stablecoin", "derivatives"):
        parts |= {f"{part}_volume_24h": 1e11, f"{part}_volume_24h_reported": raw("1.234567890123E12")}
        parts |= {f"{part}_24h_percentage_change": -16.5}
    parts |= {"defi_market_cap": 1e11, "stablecoin_market_cap": 2e11}
    new = {"today_incremental_crypto_number": 0, "past_24h_incremental_crypto_number": 20123}
    new |= {"past_7d_incremental_crypto_number": 150123, "past_30d_incremental_crypto_number": 1012345}
    dates = {"maxIncrementalDate": "2025-04-17T00:00:00.000Z", "minIncrementalDate": "2025-07-25T00:00:00.000Z"}
    yearly = {"tracked_yearly_number": {"maxIncrementalNumber": 170123, "minIncrementalNumber": 4321, **dates}}
    updated = "2025-02-08T22:39:59.999Z"
    whole = {
        **counts,
        **shares,
        **parts,
        "quote": {"USD": global_quote(raw("3.0E12"), updated)},
        "last_updated": updated,
    }
    by_id = {**whole, **new, "today_change_percent": 0.02, **yearly, "quote": {"2781": global_quote(3.1e12, updated)}}
    names = ("total_market_cap", "total_volume_24h", "altcoin_market_cap")
    few = {name: global_quote(2.71e12, updated)[name] for name in names}
    trimmed = {"quote": {"USD": few}, "btc_dominance": 58.6, "eth_dominance": 11.5, **counts}
    return {
        "2025-02-08": answer("2025-02-08T22:41:19.917Z", whole),
        "2025-07-26_convert_id": answer("2025-07-26T13:21:59.910Z", by_id),
        "2026-09-20_trimmed": answer("2026-09-20T20:52:23.795Z", trimmed),
    }


def points(first: datetime, *values: tuple[int, str]) -> list[Row]:
    """Return points of the index, the newest first; the time is a text."""
    days = [first - timedelta(days=day) for day in range(len(values))]
    return [
        {"timestamp": str(int(day.timestamp())), "value": value, "value_classification": label}
        for day, (value, label) in zip(days, values, strict=True)
    ]


def histories() -> dict[str, Any]:
    """Return the index by day: a value at the edge of two bands has the upper one."""
    old = [(19, "Extreme fear"), (20, "Fear"), (39, "Fear"), (40, "Neutral")]
    new = [(59, "Neutral"), (60, "Greed"), (80, "Extreme greed")]
    return {
        "2025-02-08_4rows": answer_of_v3("2025-02-08T22:41:22.442Z", points(datetime(2025, 2, 8, tzinfo=UTC), *old)),
        "2026-09-26_3rows_noenvelope": points(datetime(2026, 9, 26, tzinfo=UTC), *new),
    }


def latest() -> dict[str, Any]:
    """Return the index as it is now."""
    now = {"value": 40, "update_time": "2025-02-08T22:38:10.017Z", "value_classification": "Neutral"}
    return {"2025-02-08": answer_of_v3("2025-02-08T22:41:21.442Z", now)}


def keys() -> dict[str, Any]:
    """Return what is known of a key: no limit of a day."""
    plan = {"credit_limit_monthly": 15000, "credit_limit_monthly_reset": "In 6 days, 7 hours, 56 minutes"}
    plan |= {"credit_limit_monthly_reset_timestamp": "2026-10-01T00:00:00.000Z", "rate_limit_minute": 50}
    usage = {"current_minute": {"requests_made": 1, "requests_left": 49}, "current_day": {"credits_used": 0}}
    usage |= {"current_month": {"credits_used": 15, "credits_left": 14985}}
    whole = answer("2026-09-24T16:03:35.165Z", {"plan": plan, "usage": usage}, credits=0)
    return {"2026-09-24": data_first(whole)}


def errors() -> dict[str, Any]:
    """Return refusals, by HTTP status and error code: without data, some without a notice."""

    def refused(code: int, message: str, **more: Any) -> Row:
        status = {"timestamp": "2026-09-25T00:11:00.721Z", "error_code": code, "error_message": message}
        return {"status": {**status, "elapsed": 0, "credit_count": 0, **more}}

    return {
        "http401_1002": refused(1002, "API key missing."),
        "http403_1005": refused(1005, "An API Key is required for this call.", notice=None),
        "http403_1006": refused(1006, "Your API Key subscription plan doesn't support this endpoint.", notice=None),
        "http400_400": refused(400, 'Invalid value for "id": "99999"'),
        "http429_1010": refused(1010, "You've exceeded your API Key's monthly rate limit."),
    }
