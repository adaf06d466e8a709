"""Answers about coins: maps, listings and infos."""

from __future__ import annotations

from typing import Any

from tests.support.making.answers import Price, Row, Supplies, answer, answer_of_v3, data_first, raw

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
