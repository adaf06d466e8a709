"""Wallets as published: several balances of one wallet, one wallet in two spellings, balances beyond a double."""

from __future__ import annotations

import json
import os
import random
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import iso
from cryptoelt.errors import ExitCode
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.pipeline.trace import trace_row
from cryptoelt.settings import WarehouseSettings
from tests.support.backfilling import BackfilledHome
from tests.support.loading import Loading
from tests.support.older_version import as_an_older_version_noted_it
from tests.support.silver_writer import SilverWriter
from tests.support.transforming import FIRST, Sent, at, sent

if TYPE_CHECKING:
    from cryptoelt.results import Unit
    from cryptoelt.spark import SparkHost
    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.transforming import Row, Transforming

ASSETS, FACT = "exchange/assets", "fact_exchange_assets"
#: Beside the checkout, or where PAYLOADS says.
PAYLOADS = Path(os.environ.get("PAYLOADS") or Path(__file__).resolve().parents[3] / "shared" / "payloads")
RECORDINGS = PAYLOADS / "exchange_assets"

HOT = "0xF977814e90dA44bFA03b6295A0616a897441aceC"
COLD = "0x" + "Ab" * 20
TRON = "TMuA6YqfCeX8EhbfYEg5y7S4DqzSJireY9"
BNB, ETHEREUM = "BNB Smart Chain (BEP20)", "Ethereum"
#: As exchanges publish them, in the order of sending: wallet, chain, coin, balance as its text, price. Three keys have
#: two balances each; two spellings hold the same once, and something else once.
SHAPE = [
    (HOT.lower(), BNB, 825, "37924349.00", "0.99986"),
    (TRON, "Tron20", 825, "3000000.00", "0.99986"),
    (HOT.lower(), BNB, 825, "400000047.54", "0.99986"),
    (HOT.lower(), BNB, 26081, "27515627.73", "0.9981"),
    (HOT.lower(), BNB, 26081, "881031.87", "0.9981"),
    (HOT.lower(), BNB, 1839, "57912.17", "871.23"),
    (HOT.lower(), BNB, 1839, "6735702.73", "871.23"),
    (HOT, ETHEREUM, 825, "12000000.50", "0.99986"),
    (COLD, ETHEREUM, 825, "863477.33", "0.99986"),
    (COLD.lower(), ETHEREUM, 825, "863477.33", "0.99986"),
    (COLD.lower(), ETHEREUM, 1027, "5000.25", "2950.01"),
    (COLD, ETHEREUM, 1027, "6000.75", "2950.01"),
    (TRON.lower(), "Tron20", 825, "3000000.00", "0.99986"),
    (HOT, BNB, 16086, "230974428784003.81", "0.00000000042054750296947150"),
    (HOT, BNB, 16086, "230974428784003.82", "0.00000000042054750296947150"),
]
#: The tenth repeats the ninth.
COUNTS = (15, 14, 1, 0)
#: Of all others, added up on paper.
TOTAL = 6_436_515_070.7899


def record(wallet: str, chain: str, coin: int, balance: str, price: str | None) -> str:
    """A record of exchange/assets as it is sent, its numbers digit by digit."""
    platform = json.dumps({"crypto_id": 1, "symbol": "S", "name": chain})
    currency = f'{{"crypto_id": {coin}, "price_usd": {price or "null"}, "symbol": "C", "name": "Coin"}}'
    return (
        f'{{"wallet_address": {json.dumps(wallet)}, "balance": {balance}, "platform": {platform},'
        f' "currency": {currency}}}'
    )


def answer(records: list[str], exchange: int = 270) -> Sent:
    return sent(f"[{', '.join(records)}]", exchange_id=exchange)


def counts(unit: Unit) -> tuple[int, int, int, int]:
    return unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined


def stored(rows: list[Row]) -> set[tuple[Any, ...]]:
    """Rows of Silver without the doubles and texts that other tests look at."""
    names = ("exchange_id", "wallet_address", "blockchain_name", "crypto_id", "entry", "balance_exact")
    return {tuple(row[name] for name in names) for row in rows}


@pytest.fixture
def load_built(transform: Transforming, warehouse: Warehouse) -> Loading:
    """Loads what was built."""
    return Loading(warehouse, transform.settings.lake_root, transform.settings.metadata_dir)


def test_every_balance_is_kept_whatever_the_order_of_sending_and_equal_ones_are_one(transform: Transforming) -> None:
    for number in range(3):
        shuffled = random.Random(number).sample(SHAPE, len(SHAPE))
        answers = answer([record(*each) for each in shuffled]), answer([record(*SHAPE[0])], exchange=16)
        transform.fetch(ASSETS, *answers, snapshot=at(number))

    rows_in, loaded, present, _ = COUNTS
    assert counts(transform.build(FACT)) == (3 * (rows_in + 1), 3 * (loaded + 1), 3 * present, 0)
    assert transform.rejected(FACT) == []
    rows = [sorted(map(repr, without_moment(transform.rows(FACT, at(number))))) for number in range(3)]
    assert rows[0] == rows[1] == rows[2]
    hot, cold = HOT.lower(), COLD.lower()
    assert stored(transform.rows(FACT, FIRST)) == {
        (270, hot, BNB, 825, 1, Decimal("400000047.54")),
        (270, hot, BNB, 825, 2, Decimal("37924349")),
        (270, hot, BNB, 26081, 1, Decimal("27515627.73")),
        (270, hot, BNB, 26081, 2, Decimal("881031.87")),
        (270, hot, BNB, 1839, 1, Decimal("6735702.73")),
        (270, hot, BNB, 1839, 2, Decimal("57912.17")),
        (270, hot, BNB, 16086, 1, Decimal("230974428784003.82")),
        (270, hot, BNB, 16086, 2, Decimal("230974428784003.81")),
        (270, hot, ETHEREUM, 825, 1, Decimal("12000000.5")),
        (270, cold, ETHEREUM, 825, 1, Decimal("863477.33")),
        (270, cold, ETHEREUM, 1027, 1, Decimal("6000.75")),
        (270, cold, ETHEREUM, 1027, 2, Decimal("5000.25")),
        (270, TRON, "Tron20", 825, 1, Decimal(3000000)),
        (270, TRON.lower(), "Tron20", 825, 1, Decimal(3000000)),
        (16, hot, BNB, 825, 1, Decimal("37924349")),
    }


def without_moment(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if not name.startswith("snapshot")} for row in rows]


def test_what_cannot_be_told_apart_is_one_record(transform: Transforming) -> None:
    transform.fetch(
        ASSETS,
        answer(
            [
                record(COLD, ETHEREUM, 1, "5", "2"),
                record(COLD, ETHEREUM, 1, "5.00", "2"),
                record(COLD.lower(), ETHEREUM, 1, "50e-1", "2"),
                record(COLD, ETHEREUM, 2, "null", "2"),
                record(COLD.lower(), ETHEREUM, 2, "null", "2"),
                record(COLD, ETHEREUM, 2, "0", "2"),
                record(COLD, ETHEREUM, 2, '"7"', "2"),
            ]
        ),
    )

    assert counts(transform.build(FACT)) == (7, 3, 3, 1)
    found = {(row["crypto_id"], row["entry"], row["balance"]) for row in transform.rows(FACT)}
    assert found == {(1, 1, 5.0), (2, 1, 0.0), (2, 2, None)}, "a balance that is not known comes last"
    assert [row["rule"] for row in transform.rejected(FACT)] == ["wrong_type"]


#: A balance as it is sent -> as the warehouse holds it.
BALANCES = {
    "230974428784003.81": "230974428784003.81",
    "28000000000000000.02": "28000000000000000.02",
    "9007199254740993": "9007199254740993",
    "1000.00": "1000",
    "0": "0",
    "2.5E+3": "2500",
    "-0.30": "-0.3",
    "0.000000000000000001": "0.000000000000000001",
    "12345678901234567890.12": "12345678901234567890.12",
    # Beyond 20 digits before the point, or 18 after it: the nearest double.
    "123456789012345678901234.5": "1.2345678901234569e+23",
    "1e-19": "1e-19",
    "1.5e300": "1.5e300",
}


def test_balances_reach_the_warehouse_to_the_last_digit(transform: Transforming, load_built: Loading) -> None:
    records = [record(TRON, "Tron20", coin, balance, "2") for coin, balance in enumerate(BALANCES)]
    transform.fetch(ASSETS, answer([*records, record(TRON, "Tron20", len(BALANCES), "null", "2")]))
    transform.build(FACT)
    load_built(FACT)

    found = load_built.rows(f"SELECT balance::text, balance, total_usd_value FROM dwh.{FACT} ORDER BY crypto_id")
    assert found.pop() == (None, None, None)
    assert [balance for _, balance, _ in found] == [Decimal(held) for held in BALANCES.values()]
    assert [value for *_, value in found] == [2 * float(balance) for balance in BALANCES]
    assert [text for text, *_ in found[:4]] == [
        "230974428784003.81",
        "28000000000000000.02",
        "9007199254740993",
        "1000",
    ]


def check_totals(load: Loading, records: list[dict[str, Any]], repeated: int) -> None:
    """Compare what an exchange holds with sums made by hand, its records parsed digit by digit."""
    worth: dict[tuple[Any, ...], Decimal] = {}
    for each in records:
        wallet = each["wallet_address"]
        wallet = wallet.lower() if len(wallet) == 42 and wallet.startswith("0x") else wallet
        key = (wallet, each["platform"]["name"], each["currency"]["crypto_id"], each["balance"])
        worth[key] = each["balance"] * each["currency"]["price_usd"]
    assert len(worth) == len(records) - repeated
    total, addresses = sum(worth.values()), len({(wallet, chain) for wallet, chain, *_ in worth})
    ((rows, wallets, found, weights),) = load.rows(
        f"SELECT count(*), count(DISTINCT wallet_address), sum(total_usd_value), sum(wallet_weight) FROM dwh.{FACT}"
    )
    assert (rows, wallets) == (len(worth), len({wallet for wallet, *_ in worth}))
    assert found == pytest.approx(float(total), rel=1e-12)
    assert weights == pytest.approx(1, abs=1e-12)
    for wallet, chain, coin, balance, weight in load.rows(
        f"SELECT wallet_address, blockchain_name, crypto_id, balance, wallet_weight FROM dwh.{FACT}"
    ):
        assert weight == pytest.approx(float(worth.pop((wallet, chain, coin, balance)) / total), rel=1e-12)
    assert worth == {}
    concentration = "SELECT wallet_count, holding_count FROM analytics.vw_wallet_concentration_by_exchange"
    assert load.rows(concentration) == [(addresses, rows)]


def test_totals_and_weights_are_those_of_all_balances(transform: Transforming, load_built: Loading) -> None:
    text = f"[{', '.join(record(*each) for each in SHAPE)}]"
    transform.fetch(ASSETS, sent(text, exchange_id=270))
    transform.build(FACT)
    load_built(FACT)

    check_totals(load_built, json.loads(text, parse_float=Decimal, parse_int=Decimal), repeated=1)
    assert load_built.rows(f"SELECT sum(total_usd_value) FROM dwh.{FACT}") == [(pytest.approx(TOTAL, rel=1e-12),)]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded answers are not here")
@pytest.mark.parametrize(
    ("name", "exchange", "repeated", "several"),
    [
        ("2026-09-24_binance_1548rows.json", 270, 0, 3),
        ("2026-09-24_htx_37rows.json", 102, 0, 0),
        ("2026-09-24_ourbit_31rows.json", 5590, 7, 0),
        ("2026-09-24_phemex_16rows.json", 1187, 1, 0),
    ],
)
def test_totals_and_weights_of_recorded_exchanges(
    name: str, exchange: int, repeated: int, several: int, transform: Transforming, load_built: Loading
) -> None:
    body = (RECORDINGS / name).read_text(encoding="utf-8")
    records = json.loads(body, parse_float=Decimal, parse_int=Decimal)["data"]
    transform.fetch(ASSETS, sent(_data_of(body), exchange_id=exchange))
    unit = transform.build(FACT)
    load_built(FACT)

    assert counts(unit) == (len(records), len(records) - repeated, repeated, 0)
    check_totals(load_built, records, repeated)
    assert load_built.rows(f"SELECT count(*) FROM dwh.{FACT} WHERE entry > 1") == [(several,)]


def _data_of(body: str) -> str:
    """Return the text of `data`, as it was sent."""
    start = body.index("[", body.index('"data"'))
    _, length = json.JSONDecoder().raw_decode(body[start:])
    return body[start : start + length]


def test_what_an_older_version_has_built_is_loaded_and_goes_on(transform: Transforming, load_built: Loading) -> None:
    lake = SilverWriter(Path(transform.settings.lake_root))
    held = {"exchange_id": 270, "blockchain_name": ETHEREUM, "crypto_id": 1, "currency_price_usd": 2.0}
    former = [
        {**held, "wallet_address": COLD, "balance": 863477.33, "total_usd_value": 1726954.66},
        {**held, "wallet_address": COLD.lower(), "balance": 230974428784003.81, "total_usd_value": 461948857568007.6},
    ]
    lake.commit(FACT, {FIRST: former}, without={"entry", "balance_exact"})
    assert load_built(FACT).rows_loaded == 2
    lake.commit(FACT, {at(1): former}, without={"entry", "balance_exact"})
    transform.fetch(ASSETS, answer([record(*each) for each in SHAPE]), snapshot=at(2))

    assert counts(transform.build(FACT)) == COUNTS
    assert load_built(FACT).rows_loaded == 2 + COUNTS[1]
    for moment in (FIRST, at(1)):
        where = f"snapshot_timestamp = '{moment}'"
        loaded = load_built.rows(f"SELECT wallet_address, entry, balance::text FROM dwh.{FACT} WHERE {where}")
        assert set(loaded) == {(COLD, 1, "863477.33"), (COLD.lower(), 1, "230974428784003.8")}
    assert load_built.rows(f"SELECT max(entry) FROM dwh.{FACT}") == [(2,)]
    lake.optimize(FACT)  # now the older rows stand in a file that has the columns

    found = trace(load_built.warehouse, transform, f"wallet_address={HOT.upper()}", "entry=2", "crypto_id=825")
    assert (found["snapshot_timestamp"], found["call_id"]) == (iso(at(2)), "call-1")
    assert found["key"]["wallet_address"] == HOT.lower()
    older = trace(load_built.warehouse, transform, f"wallet_address={COLD}", f"snapshot_timestamp={iso(at(1))}")
    assert older["call_id"] == f"call-{at(1):%H%M}"


def trace(warehouse: Warehouse, transform: Transforming, *assignments: str) -> dict[str, Any]:
    settings = transform.settings.model_copy(update={"warehouse": WarehouseSettings(url=warehouse.url)})
    return trace_row(Runtime(settings, "trace"), FACT, assignments).as_json()


def test_a_rebuild_puts_what_an_older_version_has_loaded_right(
    transform: Transforming, spark_host: SparkHost, load_built: Loading
) -> None:
    transform.fetch(ASSETS, answer([record(*each) for each in SHAPE]))
    as_an_older_version_noted_it(transform.settings.home / "lake" / transform.bronze.path_of(ASSETS, FIRST))
    held = {"exchange_id": 270, "blockchain_name": ETHEREUM, "crypto_id": 825, "balance": 863477.33}
    former = [{**held, "wallet_address": wallet} for wallet in (COLD, COLD.lower())]
    SilverWriter(Path(transform.settings.lake_root)).commit(FACT, {FIRST: former}, {"entry", "balance_exact"})
    load_built(FACT)

    settings = transform.settings.model_copy(update={"warehouse": WarehouseSettings(url=load_built.warehouse.url)})
    assert BackfilledHome(settings, spark_host).backfill(FACT, rebuild=True).exit_code is ExitCode.DONE
    found = f"SELECT wallet_address, crypto_id, entry, balance FROM dwh.{FACT}"
    built = {
        (row["wallet_address"], row["crypto_id"], row["entry"], row["balance_exact"]) for row in transform.rows(FACT)
    }
    assert set(load_built.rows(found)) == built
    assert len(built) == COUNTS[1]
