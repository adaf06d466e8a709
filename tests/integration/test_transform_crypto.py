"""Coins in Silver: what was sent, and the KPIs of the market by figures worked out by hand."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from tests.support.transforming import FIRST, sent

if TYPE_CHECKING:
    from tests.support.transforming import Row, Transforming

MAP, INFO, LISTINGS = "cryptocurrency/map", "cryptocurrency/info", "cryptocurrency/listings/latest"
MARKET = "fact_crypto_market"
KPIS = ("volume_to_market_cap_ratio", "missing_supply_ratio", "supply_utilization", "fully_diluted_cap_ratio")


def listed(number: int, **fields: object) -> Row:
    """A record of the listings whose quote has the fields named in upper case."""
    quote = {name.lower(): value for name, value in fields.items() if name.isupper()}
    rest = {name: value for name, value in fields.items() if not name.isupper()}
    return {"id": number, "quote": [{"id": 2781, "symbol": "USD", **quote}], **rest}


def test_a_map_gives_names_and_ranks(transform: Transforming) -> None:
    platform = {"id": 1, "name": "Ethereum ", "symbol": "ETH", "slug": "ethereum", "token_address": "0xdac17f"}
    usdt: Row = {
        "id": 825,
        "rank": 3,
        "name": " Tether USDt",
        "symbol": "USDT",
        "slug": "tether",
        "is_active": 1,
        "last_historical_data": "2026-11-23T10:20:00.000Z",
        "platform": platform,
    }
    odd: Row = {"id": 7, "rank": None, "name": "NAN", "symbol": "", "slug": " \t", "is_active": 0, "platform": None}
    transform.fetch(MAP, sent([usdt]), sent([odd]))

    for table in ("dim_crypto_id", "dim_crypto_map"):
        assert transform.build(table).rows_loaded == 2
    names = {row["crypto_id"]: row for row in transform.rows("dim_crypto_id")}
    assert names[825] == {
        "crypto_id": 825,
        "snapshot_timestamp": FIRST,
        "name": "Tether USDt",
        "symbol": "USDT",
        "slug": "tether",
        "platform_id": 1,
        "platform_name": "Ethereum",
        "platform_symbol": "ETH",
        "platform_token_address": "0xdac17f",
        "call_id": "call-1",
    }
    assert names[7]["name"] == "NAN", "a text stays a text"
    assert {names[7][name] for name in ("symbol", "slug", "platform_id", "platform_name")} == {None}
    ranks = {row["crypto_id"]: row for row in transform.rows("dim_crypto_map")}
    assert ranks[825] == {
        "crypto_id": 825,
        "snapshot_timestamp": FIRST,
        "snapshot_str": "2026-11-23 10:30:00",
        "rank": 3,
        "is_active": 1,
        "last_historical_data": "2026-11-23T10:20:00.000Z",
        "call_id": "call-1",
    }
    assert (ranks[7]["rank"], ranks[7]["is_active"], ranks[7]["last_historical_data"]) == (None, 0, None)


def test_infos_give_what_is_known_beside_the_market(transform: Transforming) -> None:
    usdt: Row = {
        "id": 825,
        "name": "Tether USDt",
        "symbol": "USDT",
        "slug": "tether",
        "category": "token",
        "description": " Live price 1.0 ",
        "logo": "https://x.test/825.png",
        "tags": [" payments", "stablecoin ", "", " "],
        "date_added": "2015-02-25T23:59:59.000Z",
        "date_launched": "2014-10-06",
        "urls": {
            "website": ["https://tether.test"],
            "technical_doc": [],
            "explorer": ["e1", "e2"],
            "source_code": [""],
        },
    }
    transform.fetch(INFO, sent({"825": usdt, "7": [{"id": 7, "tags": []}]}), sent({"8": {"id": 8, "tags": None}}))

    assert transform.build("dim_crypto_info").rows_loaded == 3
    infos = {row["crypto_id"]: row for row in transform.rows("dim_crypto_info")}
    assert infos[825] == {
        "crypto_id": 825,
        "snapshot_timestamp": FIRST,
        "slug": "tether",
        "snapshot_date": date(2026, 11, 23),
        "date_launched": date(2014, 10, 6),
        "date_added": date(2015, 2, 25),
        "category": "token",
        "tags": ["payments", "stablecoin"],
        "description": "Live price 1.0",
        "logo_url": "https://x.test/825.png",
        "website_url": "https://tether.test",
        "technical_doc_url": None,
        "explorer_url": "e1",
        "source_code_url": None,
        "twitter_url": None,
        "crypto_name": "Tether USDt",
        "crypto_symbol": "USDT",
        "call_id": "call-1",
    }
    assert (infos[7]["tags"], infos[8]["tags"]) == ([], None), "an empty list is known, a missing one is not"
    assert (infos[8]["date_added"], infos[8]["snapshot_date"]) == (None, date(2026, 11, 23))


def test_market_kpis_are_undefined_where_they_cannot_be_divided_and_zero_where_they_are_zero(
    transform: Transforming,
) -> None:
    supplies = {"total_supply": 21, "circulating_supply": 15, "max_supply": 60}
    records = [
        listed(1, PRICE=2.5, VOLUME_24H=10, MARKET_CAP=40, FULLY_DILUTED_MARKET_CAP=60, **supplies),
        listed(2, VOLUME_24H=0, MARKET_CAP=40, FULLY_DILUTED_MARKET_CAP=0, total_supply=5, circulating_supply=5),
        listed(3, VOLUME_24H=10, MARKET_CAP=0, FULLY_DILUTED_MARKET_CAP=60, total_supply=0, circulating_supply=0),
        listed(4, VOLUME_24H=None, MARKET_CAP=None, total_supply=None, circulating_supply=3, max_supply=0),
        listed(5, VOLUME_24H=10, MARKET_CAP=None, total_supply=4, circulating_supply=5, max_supply=4),
        listed(6, VOLUME_24H=1e308, MARKET_CAP=1e-308, total_supply=1e308, circulating_supply=-1e308),
        {"id": 7, "quote": []},
        {"id": 8, "quote": None},
    ]
    transform.fetch(LISTINGS, sent(records, batch_index=1))

    assert transform.build(MARKET).rows_loaded == 8
    rows = {row["crypto_id"]: row for row in transform.rows(MARKET)}
    assert {number: tuple(row[name] for name in KPIS) for number, row in rows.items()} == {
        1: (0.25, 6 / 21, 0.25, 1.5),
        2: (0.0, 0.0, None, 0.0),
        3: (None, None, None, None),
        4: (None, None, None, None),
        5: (None, -0.25, 1.25, None),
        6: (None, None, None, None),
        7: (None, None, None, None),
        8: (None, None, None, None),
    }
    assert (rows[1]["price_usd"], rows[2]["volume_24h_usd"], rows[4]["max_supply"]) == (2.5, 0.0, 0.0)


def test_a_coin_on_two_pages_is_taken_from_the_last_one(transform: Transforming) -> None:
    first = [listed(number, PRICE=1.0, cmc_rank=number) for number in (1, 2, 3)]
    second = [listed(3, PRICE=2.0, cmc_rank=4), listed(2, PRICE=1.0, cmc_rank=2), listed(5, PRICE=1.0, cmc_rank=5)]
    transform.fetch(LISTINGS, sent(first, batch_index=1), sent(second, batch_index=2))

    unit = transform.build(MARKET)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined) == (6, 4, 1, 1), (
        "the same record again is no conflict"
    )
    rows = {row["crypto_id"]: row for row in transform.rows(MARKET)}
    assert {number: (row["batch_index"], row["cmc_rank"], row["price_usd"]) for number, row in rows.items()} == {
        1: (1, 1, 1.0),
        2: (2, 2, 1.0),
        3: (2, 4, 2.0),
        5: (2, 5, 1.0),
    }
    (rejected,) = transform.rejected(MARKET)
    assert (rejected["rule"], json.loads(rejected["record"])["cmc_rank"]) == ("conflicting_duplicate", 3)
