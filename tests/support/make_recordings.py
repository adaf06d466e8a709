"""Writes the small recorded set: invented values in the shapes of real answers, with what is odd about those.

`python -m tests.support.make_recordings` writes `tests/recorded` anew; a test sees that it is what this module says.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.recordings import SMALL

Row = dict[str, Any]
#: Most, circulating and total.
Supplies = tuple[float | None, float, float]
#: A number, or the text of one.
Price = float | str
_RAW = re.compile(r'"@@(.*?)@@"')


def raw(number: str) -> str:
    """Mark the text of a number that is to be written as it is: padded, or with an exponent."""
    return f"@@{number}@@"


def dumped(value: Any, indent: int | None = None) -> str:
    """Return JSON as a server sends it, or as somebody has indented it."""
    separators = (",", ":") if indent is None else None
    return _RAW.sub(r"\1", json.dumps(value, ensure_ascii=False, indent=indent, separators=separators))


def answer(moment: str, data: Any, *, credits: int = 1, **more: Any) -> Row:
    """Return an answer of v1: the status first."""
    status = {"timestamp": moment, "error_code": 0, "error_message": None, "elapsed": 9, "credit_count": credits}
    return {"status": {**status, "notice": None, **more}, "data": data}


def answer_of_v3(moment: str, data: Any) -> Row:
    """Return an answer of v3: the data first, the code a text, no notice and no number of rows."""
    status = {"timestamp": moment, "error_code": "0", "error_message": "", "elapsed": 9, "credit_count": 1}
    return {"data": data, "status": status}


def data_first(whole: Row) -> Row:
    """Return an answer in the order of 2026."""
    return {"data": whole["data"], "status": whole["status"]}


# --- coins ------------------------------------------------------------------------------------------------------------

#: id -> name, symbol, slug: what looks like a number or a truth value, entities, emoji, blanks, other scripts.
COINS = {
    1: ("Firstcoin", "FST", "firstcoin"),
    2: ("Not A Name", "NAN", "not-a-name"),
    3: ("True Story", "TRUE", "true-story"),
    4: ("🚀 Moon & Back", "🚀", "moon-and-back"),
    5: ("Lenny", "( ͡&#176; ͜ʖ ͡&#176;)", "lenny"),
    6: ("Gems ", "00", "gems"),
    7: ("Dust", "$DUST+", "dust"),
    8: ("市场之猫", "市场之猫", "market-cat"),
    9: ("Etherion", "ETN", "etherion"),
    10: ("Stake  Token", "stETN", "stake-token"),
    11: ("Another Firstcoin", "FST", "another-firstcoin"),
}
_TOKENS = {4: "0x00000000000000000000000000000000000000A4", 7: "https://dust.example/token?id=7", 10: " 0x0a "}


def coin(id_: int, **more: Any) -> Row:
    """Return what every endpoint says of a coin."""
    name, symbol, slug = COINS[id_]
    return {"id": id_, "name": name, "symbol": symbol, "slug": slug, **more}


def platform(id_: int, number: int | str = 9) -> Row | None:
    """Return where a token lives."""
    if id_ not in _TOKENS:
        return None
    return {"id": number, "name": "Etherion", "symbol": "ETN", "slug": "etherion", "token_address": _TOKENS[id_]}


def mapped(id_: int, rank: int | None, number: int = 9, **more: Any) -> Row:
    """Return a row of cryptocurrency/map."""
    dates = {"first_historical_data": "2014-05-01T00:00:00.000Z", "last_historical_data": "2020-12-02T12:49:02.000Z"}
    return coin(id_, rank=rank, is_active=1, **dates, platform=platform(id_, number), **more)


def maps() -> dict[str, Any]:
    """Return the maps: an old one, and one with coins that are inactive or untracked."""
    inactive = coin(11, rank=None, is_active=0, platform=None)
    untracked = {**coin(10, rank=None, status="untracked", platform=platform(10, 216))}
    old = [mapped(id_, rank) for rank, id_ in enumerate(range(1, 9), start=1)]
    new = [mapped(9, 2), mapped(4, 9001, 216), inactive, untracked]
    return {
        "2020-12-02_8rows": answer("2020-12-02T12:51:00.123Z", old, credits=0),
        "2026-09-26_4rows": data_first(answer("2026-09-26T19:00:50.143Z", new, credits=0)),
    }


def quote(price: float | str, supply: float, **more: Any) -> Row:
    """Return what a coin costs, and what follows from that."""
    cap = float(price.strip("@")) * supply if isinstance(price, str) else price * supply
    changes = {f"percent_change_{span}": raw(f"{-0.5 * number}E-2") for number, span in enumerate(("1h", "24h", "7d"))}
    return {"price": price, "volume_24h": 0.125 * cap, **changes, "market_cap": cap, **more}


def listed(id_: int, rank: int, supplies: tuple[Any, Any, Any], **more: Any) -> Row:
    """Return a row of listings/latest without its quote."""
    names = ("max_supply", "circulating_supply", "total_supply")
    first = {"num_market_pairs": 10 * id_, "date_added": "2015-01-01T00:00:00.000Z", "tags": ["mineable", "pow "]}
    last = {"platform": platform(id_), "cmc_rank": rank, "last_updated": "2025-02-08T22:38:00.000Z"}
    return coin(id_, **first, **dict(zip(names, supplies, strict=True)), **last, **more)


def listings() -> dict[str, Any]:
    """Return listings of three shapes: without shares of the market, with them, and with a list of quotes."""
    at = {"last_updated": "2025-02-08T22:38:00.000Z"}
    newer = {"market_cap_dominance": 55.4321, "fully_diluted_market_cap": 2.1e12, "volume_change_24h": -100, **at}
    reported = {"infinite_supply": False, "self_reported_circulating_supply": None, "self_reported_market_cap": None}
    tiny, huge = raw("1.40000000000000000000E-9"), 6.8e26
    older: list[tuple[int, int, Supplies, Price]] = [
        (1, 1, (21e6, 18e6, 18e6), 8000.25),
        (2, 2, (None, 1e9, 1e9), 0.5),
        (3, 3, (0, 5e6, 0), 12),
    ]
    rows: list[tuple[int, int, Supplies, Price]] = [
        (1, 1, (21000000, 19000001, 19000001), 71234.56789012345),
        (6, 2, (None, huge, huge), 1e-20),
    ]
    # One rank twice; more in circulation than there are, by the last digit; a price that is rounded.
    rows += [(7, 3, (None, 5e16, 5e16), tiny), (8, 3, (100, 62500000.00000001, 62500000), 2)]
    v3: list[tuple[int, int, Supplies, Price]] = [
        (9, 4, (None, 1.2e8, 1.2e8), 2000.5),
        (4, 5, (1e12, 4.66e11, 8.3e11), raw("0.001234567890123450000000")),
    ]
    in_euro = {"id": 2790, "symbol": "EUR", **quote(1.5, 10), **newer}
    return {
        "v1_2020-01-11_3rows": answer(
            "2020-01-11T14:16:20.003Z",
            [{**listed(id_, rank, of), "quote": {"USD": quote(price, of[1], **at)}} for id_, rank, of, price in older],
        ),
        "v1_2025-02-08_4rows": answer(
            "2025-02-08T22:41:18.405Z",
            [
                {**listed(id_, rank, of, **reported), "quote": {"USD": quote(price, of[1], **newer)}}
                for id_, rank, of, price in rows
            ],
            total_count=10111,
        ),
        "v3_2026-09-26_2rows": answer_of_v3(
            "2026-09-26T10:44:11.282Z",
            [
                {
                    **listed(id_, rank, of, **reported, minted_market_cap=1.5),
                    "quote": [in_euro, {"id": 2781, "symbol": "USD", **quote(price, of[1], **newer)}],
                }
                for id_, rank, of, price in v3
            ],
        ),
    }


def coin_info(id_: int, **more: Any) -> Row:
    """Return a record of cryptocurrency/info; the groups of tags run parallel to the tags, so they repeat."""
    names = ("website", "twitter", "message_board", "chat", "explorer", "reddit", "technical_doc", "source_code")
    urls: dict[str, list[str]] = {name: [] for name in names}
    urls["website"] = [f"https://{COINS[id_][2]}.example/"]
    tags = {"tags": ["mineable", "pow", "estate"], "tag-names": ["Mineable", "PoW", "Bankruptcy Estate "]}
    texts = {"category": "coin", "description": "A coin,\r\n## with a heading ", "logo": "https://img.example/1.png"}
    first = {"subreddit": "", "notice": "", **tags, "tag-groups": ["OTHERS", "OTHERS", "CATEGORY"], "urls": urls}
    return coin(id_, **texts, **first, platform=platform(id_, "1027"), twitter_username="", is_hidden=0, **more)


def coin_infos() -> dict[str, Any]:
    """Return infos by symbol, as v1 does, and by id."""
    newer = {"date_added": "2015-02-25T00:00:00.000Z", "date_launched": None, "self_reported_tags": None}
    return {
        "v1_2021-10-07_1row": answer("2021-10-07T04:04:00.781Z", {"FST": coin_info(1, date_added=None)}),
        "v2_2026-09-25_2rows": answer(
            "2026-09-25T21:58:32.106Z", {"4": coin_info(4, **newer), "2": coin_info(2, **newer)}
        ),
    }


# --- exchanges --------------------------------------------------------------------------------------------------------


def exchange(id_: int, name: str, slug: str, **dates: str) -> Row:
    """Return a row of exchange/map; `is_listed` is 0 for every exchange."""
    first = {"first_historical_data": "2018-04-26T00:45:00.000Z", "last_historical_data": "2025-02-08T22:35:00.000Z"}
    return {"id": id_, "name": name, "slug": slug, "is_active": 1, "is_listed": 0, "is_redistributable": 1} | (
        first | dates
    )


def exchange_maps() -> dict[str, Any]:
    """Return maps of exchanges: first later than last by a millisecond, one name twice, slugs unlike the name."""
    moments = {"first_historical_data": "2025-02-08T15:47:20.655Z", "last_historical_data": "2025-02-08T15:47:20.654Z"}
    old = [
        exchange(11, "Tidewater", "tidewater"),
        exchange(12, "Solidly", "solidly"),
        exchange(13, "solidly ", "solidly-v2"),
        exchange(14, "Sideways", "sideways", **moments),
    ]
    new = [exchange(15, "BASE-X", "ekbit"), exchange(11, "Tidewater", "tidewater")]
    return {
        "2025-02-08_4rows": answer("2025-02-08T22:41:00.000Z", old),
        "2026-09-24_2rows_by_volume": data_first(answer("2026-09-24T23:37:56.293Z", new)),
    }


def exchange_info(id_: int, name: str, slug: str, **more: Any) -> Row:
    """Return a record of exchange/info."""
    urls = {"website": [f"https://{slug}.example/"], "actual": [], "blog": [], "chat": [], "fee": ["0.25%"]}
    texts = {"description": "## What Is It?\n\nAn exchange. ", "notice": "", "countries": ["Dubai", " MT"]}
    switch = json.dumps({"totalAssetSwitch": 1, "auditSwitch": 1})
    first = {"id": id_, "name": name, "slug": slug, "logo": "https://img.example/x.png", **texts, "fiats": []}
    por = {"tags": None, "type": "", "walletSourceStatus": 0, "porStatus": 1, "porAuditStatus": 0, "porSwitch": switch}
    figures = {"maker_fee": 0, "taker_fee": 0.02, "spot_volume_usd": 1234567890.0987654, "weekly_visits": 1234567}
    dates = {"date_launched": "2017-07-01T00:00:00.000Z", "spot_volume_last_updated": "2026-09-25T00:10:17.066Z"}
    return {**first, "urls": {**urls, "twitter": []}, **por, **dates, **figures, "is_hidden": 0, **more}


def exchange_infos() -> dict[str, Any]:
    """Return infos: one closed, one that lists a currency twice, one that pays its traders."""
    nothing = dict.fromkeys(("description", "spot_volume_usd", "spot_volume_last_updated", "weekly_visits"))
    closed = exchange_info(14, "Sideways", "sideways", **nothing, notice="Closed for good.", fiats=[])
    fiats = ["USD", " HKD", "AUD ", " PHP ", "", " BRL  EUR", "USD", "HKD"]
    newer = {"algorithm": None, "alertLink": "", "profileCompletionScore": {"point": 90, "detailList": []}}
    urls = {"website": [], "twitter": ["https://x.example/base\r\n"], "blog": [], "fee": [], "register": []}
    generous = {"maker_fee": -0.01, "fiats": fiats, "notice": None, "on_ramp_p2p": "USD, EUR", **newer, "urls": urls}
    plain = exchange_info(11, "Tidewater", "tidewater", fiats=["Eur"], **newer)
    return {
        "2024-01-19_1exchanges": answer("2024-01-19T10:00:00.000Z", {"14": closed}),
        "2026-09-25_2exchanges": data_first(
            answer("2026-09-25T00:12:21.985Z", {"15": exchange_info(15, "BASE-X", "ekbit", **generous), "11": plain})
        ),
    }


_EVM = "0xA1b2C3d4E5f60718293a4B5c6D7e8F9001122334"


def wallet(address: str, balance: float | str, id_: int, price: float | str, chain: str = "Etherion") -> Row:
    """Return a row of exchange/assets."""
    chains = {"Etherion": ("ETN", 9), "Base": ("-", 27716), "Hedera": ("HBAR", 4642), "BNB": ("BNB", 1839)}
    symbol, number = chains[chain]
    name, of_coin, _ = COINS[id_]
    where = {"symbol": symbol, "name": chain, "crypto_id": number}
    currency = {"symbol": of_coin, "name": name, "crypto_id": id_, "price_usd": price}
    return {"balance": balance, "platform": where, "currency": currency, "wallet_address": address}


def wallets() -> dict[str, Any]:
    """Return wallets: a key with two balances, a wallet in two spellings, numbers that no double holds."""
    padded, exponent = raw("3.141592653589793000000000000000"), raw("5.15253545556575850000000E-7")
    largest = [
        wallet(_EVM.lower(), raw("21500000.00"), 2, padded, "BNB"),
        wallet(_EVM.lower(), raw("310000099.25"), 2, padded, "BNB"),
        wallet(_EVM, 712345.67, 2, padded),
        wallet(_EVM.lower(), 712345.67, 2, padded),
        wallet(_EVM, 712345.67, 2, padded, "Base"),
        wallet("0.0.652978", raw("412345678901234.57"), 7, exponent, "Hedera"),
        wallet("tidewatercold3.near", 6.12, 8, raw("71234.560000000000000000000000"), "Hedera"),
        wallet("UQabCdEf_gh-Ij0kL", 1000, 10, 2000.5),
        wallet("uqabcdef_gh-ij0kl", 1000, 10, 2000.5),
    ]
    earlier = [wallet(_EVM, 12345678, 2, 7), wallet("0.0.652978", 2.8e16, 7, 1.4e-9, "Hedera")]
    moment = "2026-09-24T23:37:58.673Z"
    return {
        "2024-01-19_id11_2rows": answer("2024-01-19T10:00:00.000Z", earlier),
        "2026-09-24_id11_9rows": data_first(answer(moment, largest)),
        "2026-09-24_id12_1rows": data_first(answer(moment, [wallet(_EVM, 712345.67, 2, padded)])),
        "2026-09-24_id13_0rows": data_first(answer(moment, [])),
    }


# --- categories, the whole market, the key ----------------------------------------------------------------------------


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


#: Folder -> its recordings, by name.
FOLDERS = {
    "cryptocurrency_map": maps,
    "cryptocurrency_listings_latest": listings,
    "cryptocurrency_info": coin_infos,
    "cryptocurrency_categories": categories,
    "cryptocurrency_category": members,
    "exchange_map": exchange_maps,
    "exchange_info": exchange_infos,
    "exchange_assets": wallets,
    "global_metrics_quotes_latest": global_markets,
    "fear_and_greed_historical": histories,
    "fear_and_greed_latest": latest,
    "key_info": keys,
    "errors": errors,
}


def texts() -> dict[str, str]:
    """Return the text of every file, by its path below the set; older answers were indented by whoever kept them."""
    return {
        f"{folder}/{name}.json": dumped(value, None if "2026" in name or folder == "errors" else 2) + "\n"
        for folder, made in FOLDERS.items()
        for name, value in made().items()
    }


def main() -> None:
    """Write the set."""
    for path, text in texts().items():
        target = SMALL / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
