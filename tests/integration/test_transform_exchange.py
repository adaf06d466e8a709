"""Exchanges in Silver: what was sent, and what wallets are worth, by figures worked out by hand."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.errors import DamagedFileError
from cryptoelt.results import Status, Unit
from tests.support.transforming import FIRST, Sent, at, sent

if TYPE_CHECKING:
    from tests.support.transforming import Row, Transforming

MAP, INFO, ASSETS = "exchange/map", "exchange/info", "exchange/assets"
FACT = "fact_exchange_assets"


def wallet(address: str, balance: object, price: object, chain: str = "Ethereum", coin: object = 1) -> Row:
    """A record of exchange/assets."""
    return {
        "wallet_address": address,
        "balance": balance,
        "platform": {"crypto_id": 1027, "symbol": "ETH", "name": chain},
        "currency": {"crypto_id": coin, "price_usd": price, "symbol": " C ", "name": "Coin"},
    }


def counts(unit: Unit) -> tuple[int, int, int, int]:
    assert unit.rows_in == unit.rows_loaded + unit.rows_present + unit.rows_quarantined
    return unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined


def by_wallet(rows: list[Row], column: str) -> dict[tuple[int, str, str], Any]:
    return {(row["exchange_id"], row["wallet_address"], row["blockchain_name"]): row[column] for row in rows}


def test_a_map_gives_names_and_who_is_active(transform: Transforming) -> None:
    records: list[Row] = [
        {"id": 16, "name": " Poloniex\n", "slug": "poloniex", "is_active": 1},
        {"id": 21, "name": " ", "slug": "x", "is_active": 0},
        {"id": 24, "name": "Kraken", "slug": "kraken"},
    ]
    transform.fetch(MAP, sent(records[:2]), sent(records[2:]))

    assert counts(transform.build("dim_exchange_id")) == (3, 3, 0, 0)
    assert counts(transform.build("dim_exchange_map")) == (3, 3, 0, 0)
    names = {row["exchange_id"]: row["name"] for row in transform.rows("dim_exchange_id")}
    assert names == {16: "Poloniex", 21: None, 24: "Kraken"}
    of_map = transform.rows("dim_exchange_map")
    assert {row["exchange_id"]: row["is_active"] for row in of_map} == {16: True, 21: False, 24: None}
    assert {row["snapshot_str"] for row in of_map} == {"2026-11-23 10:30:00"}
    assert {row["snapshot_timestamp"] for row in of_map} == {FIRST}
    assert {row["call_id"] for row in of_map} == {"call-1", "call-2"}


def test_infos_give_texts_and_figures(transform: Transforming) -> None:
    full: Row = {
        "id": 16,
        "name": "Poloniex ",
        "slug": "poloniex",
        "logo": "https://x.test/16.png",
        "description": "Text\n",
        "date_launched": "2014-01-20T05:06:07.890Z",
        "fiats": [" AED", "USD", "", "\t", "EUR ", "USD ", "AED", "eur"],
        "maker_fee": -0.01,
        "taker_fee": 0,
        "weekly_visits": 123456,
        "spot_volume_usd": 1.5e9,
        "spot_volume_last_updated": "2026-11-23T10:25:18.000Z",
        "urls": {"website": ["https://one.test", "https://two.test"], "twitter": [], "blog": [" "], "fee": None},
    }
    bare: Row = {"id": 21, "name": "", "fiats": [], "date_launched": None, "urls": {}}
    transform.fetch(INFO, sent({"16": full, "21": bare}), sent({"24": {"id": 24, "fiats": None}}))

    assert counts(transform.build("dim_exchange_info")) == (3, 3, 0, 0)
    assert counts(transform.build("fact_exchange_info")) == (3, 3, 0, 0)
    texts = {row["exchange_id"]: row for row in transform.rows("dim_exchange_info")}
    assert texts[16] == {
        "exchange_id": 16,
        "snapshot_timestamp": FIRST,
        "slug": "poloniex",
        "description": "Text",
        "date_launched": "2014-01-20 05:06:07",
        "logo_url": "https://x.test/16.png",
        "website_url": "https://one.test",
        "twitter_url": None,
        "blog_url": None,
        "fee_url": None,
        "fiats": ["AED", "USD", "EUR", "eur"],
        "exchange_name": "Poloniex",
        "call_id": "call-1",
    }
    assert (texts[21]["fiats"], texts[24]["fiats"]) == ([], None), "an empty list is known, a missing one is not"
    assert {texts[21][name] for name in ("exchange_name", "date_launched", "website_url")} == {None}
    figures = {row["exchange_id"]: row for row in transform.rows("fact_exchange_info")}
    assert figures[16] == {
        "exchange_id": 16,
        "snapshot_timestamp": FIRST,
        "maker_fee": -0.01,
        "taker_fee": 0.0,
        "weekly_visits": 123456,
        "spot_volume_usd": 1.5e9,
        "spot_volume_last_updated": datetime(2026, 11, 23, 10, 25, 18, tzinfo=UTC),
        "exchange_name": "Poloniex",
        "call_id": "call-1",
    }
    assert {figures[24][name] for name in ("maker_fee", "weekly_visits", "spot_volume_usd")} == {None}


def test_wallets_have_a_value_and_a_share_of_their_own_exchange(transform: Transforming) -> None:
    transform.fetch(
        ASSETS,
        sent(
            [
                wallet("0xa", 3, 10),  # 30 of 120
                wallet("0xa", 0.5, 100, chain="BNB Smart Chain"),  # 50 of 120, the same address on another chain
                wallet("0xb", 4, 10, coin=2),  # 40 of 120
                wallet("0xc", 0, 10),
                wallet("0xd", 7, None),
                wallet("0xe", None, 7),
            ],
            exchange_id=1,
        ),
        sent([], exchange_id=2),
        sent([wallet("0xa", 1, 5), wallet("0xb", 3, 5)], exchange_id=3),
        sent([wallet("0xa", 0, 5), wallet("0xb", 9, 0)], exchange_id=4),
        sent([wallet("0xa", None, 5)], exchange_id=5),
        sent([wallet("0xa", 1e200, 1e200), wallet("0xb", 2, 3)], exchange_id=6),
        sent([wallet("0xa", 1e308, 1), wallet("0xb", 1e308, 1)], exchange_id=7),
    )

    assert counts(transform.build(FACT)) == (15, 15, 0, 0)
    rows = transform.rows(FACT)
    eth, bsc = "Ethereum", "BNB Smart Chain"
    assert by_wallet(rows, "total_usd_value") == {
        (1, "0xa", eth): 30.0,
        (1, "0xa", bsc): 50.0,
        (1, "0xb", eth): 40.0,
        (1, "0xc", eth): 0.0,
        (1, "0xd", eth): None,
        (1, "0xe", eth): None,
        (3, "0xa", eth): 5.0,
        (3, "0xb", eth): 15.0,
        (4, "0xa", eth): 0.0,
        (4, "0xb", eth): 0.0,
        (5, "0xa", eth): None,
        (6, "0xa", eth): None,
        (6, "0xb", eth): 6.0,
        (7, "0xa", eth): 1e308,
        (7, "0xb", eth): 1e308,
    }
    assert by_wallet(rows, "wallet_weight") == {
        (1, "0xa", eth): 30 / 120,
        (1, "0xa", bsc): 50 / 120,
        (1, "0xb", eth): 40 / 120,
        (1, "0xc", eth): 0.0,
        (1, "0xd", eth): None,
        (1, "0xe", eth): None,
        (3, "0xa", eth): 0.25,
        (3, "0xb", eth): 0.75,
        (4, "0xa", eth): None,
        (4, "0xb", eth): None,
        (5, "0xa", eth): None,
        (6, "0xa", eth): None,
        (6, "0xb", eth): 1.0,
        (7, "0xa", eth): None,
        (7, "0xb", eth): None,
    }
    for exchange in (1, 3):
        shares = [row["wallet_weight"] for row in rows if row["exchange_id"] == exchange]
        assert math.fsum(share for share in shares if share is not None) == pytest.approx(1, abs=1e-15)
    first = next(row for row in rows if (row["exchange_id"], row["crypto_id"]) == (1, 2))
    assert first == {
        "exchange_id": 1,
        "blockchain_name": "Ethereum",
        "wallet_address": "0xb",
        "crypto_id": 2,
        "entry": 1,
        "snapshot_timestamp": FIRST,
        "snapshot_str": "2026-11-23 10:30:00",
        "blockchain_symbol": "ETH",
        "balance": 4.0,
        "currency_price_usd": 10.0,
        "total_usd_value": 40.0,
        "wallet_weight": 40 / 120,
        "balance_exact": Decimal(4),
        "crypto_name": "Coin",
        "crypto_symbol": "C",
        "call_id": "call-1",
    }


def test_what_is_rejected_or_repeated_counts_in_no_total(transform: Transforming) -> None:
    bad = [
        wallet("0xb", "5", 10),
        wallet("0xc", 5, float("inf")),
        wallet("0xd", 5, 10, chain=" "),
        wallet("", 5, 10),
        wallet("0xe", 5, 10, coin=None),
        {**wallet("0xf", 5, 10), "platform": None},
        {**wallet("0xg", 5, 10), "currency": []},
        wallet("0xh\0", 5, 10),
    ]
    good = [wallet("0xa", 4, 10), wallet("0xa", 4, 10), wallet("0xi", 6, 10)]
    transform.fetch(ASSETS, sent([*bad, *good], exchange_id=1), sent([wallet("0xa", 1, 1)], exchange_id=2))

    assert counts(transform.build(FACT)) == (12, 3, 1, 8)
    rules = {row["record"]: row["rule"] for row in transform.rejected(FACT)}
    expected = ["wrong_type", "non_finite", *["missing_key"] * 4, "wrong_type", "nul_in_text"]
    assert [rules[json.dumps(record)] for record in bad] == expected
    weights = by_wallet(transform.rows(FACT), "wallet_weight")
    assert weights == {(1, "0xa", "Ethereum"): 0.4, (1, "0xi", "Ethereum"): 0.6, (2, "0xa", "Ethereum"): 1.0}


def _scan(first: int, *balances: int) -> list[Sent]:
    """A scan of exchanges, the first and every third of which publish nothing."""
    answers = []
    for number, balance in enumerate(balances):
        records = [wallet("0xa", balance, 1), wallet("0xb", 1, 1)] if number % 3 else []
        answers.append(sent(records, exchange_id=first + number))
    return answers


def test_scans_of_many_parts_are_built_once_and_in_any_order(transform: Transforming) -> None:
    for number in range(3):
        transform.fetch(ASSETS, *_scan(100 * number, *range(13)), snapshot=at(number))
    transform.fetch(ASSETS, sent([], exchange_id=1), sent([], exchange_id=2), snapshot=at(3))
    path = transform.settings.home / "lake" / transform.bronze.path_of(ASSETS, at(1), 11)
    good = path.read_bytes()
    path.unlink()

    with pytest.raises(DamagedFileError, match=path.name):
        transform.build(FACT)
    assert {row["snapshot_timestamp"] for row in transform.rows(FACT)} == {at(0), at(2)}

    path.write_bytes(good)
    assert transform.build(FACT).snapshots == [at(1)]
    assert transform.build(FACT).status is Status.NOTHING, "a scan of those who publish nothing holds no row"
    for number in range(3):
        rows = transform.rows(FACT, at(number))
        expected = {(100 * number + place, name) for place in range(13) if place % 3 for name in ("0xa", "0xb")}
        assert {(row["exchange_id"], row["wallet_address"]) for row in rows} == expected
        assert len(rows) == len(expected)
