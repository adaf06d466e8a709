"""A text that no index can hold costs its own record, never the table."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.errors import ExitCode, LoadError
from cryptoelt.settings import WarehouseSettings
from tests.support.backfilling import BackfilledHome
from tests.support.loading import Loading
from tests.support.older_version import as_an_older_version_noted_it
from tests.support.silver_writer import SilverWriter
from tests.support.transforming import FIRST, Sent, at, sent

if TYPE_CHECKING:
    from cryptoelt.spark import SparkHost
    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.transforming import Row, Transforming

#: Random, for PostgreSQL compresses what repeats before it measures.
LONG = "".join(random.Random(7).choices(string.ascii_letters, k=6000))
#: 342 characters, 1,026 bytes.
WIDE = "€" * 342


def exchange(number: int, **fields: Any) -> Row:
    return {"id": number, "name": f"Exchange {number}", "slug": f"e{number}", "is_active": 1, **fields}


def coin(number: int, **fields: Any) -> Row:
    return {"id": number, "name": f"Coin {number}", "symbol": f"C{number}", "slug": f"c{number}", **fields}


def category(number: str, **fields: Any) -> Row:
    return {"id": number, "name": "Category", "title": "Title", "num_tokens": 1, "market_cap": 2.0, **fields}


def asset(number: int, wallet: str = "w", chain: str = "Chain", **names: Any) -> Row:
    currency = {"crypto_id": number, "price_usd": 2, "symbol": f"C{number}", "name": f"Coin {number}", **names}
    return {"wallet_address": wallet, "balance": 3, "platform": {"name": chain}, "currency": currency}


@pytest.fixture
def load_built(transform: Transforming, warehouse: Warehouse) -> Loading:
    """Loads what was built."""
    return Loading(warehouse, transform.settings.lake_root, transform.settings.metadata_dir)


class Home:
    """Fetches, builds and loads one answer after the other."""

    def __init__(self, transform: Transforming, load: Loading) -> None:
        self._transform, self._load = transform, load
        self._answers = 0

    def take_in(self, endpoint: str, answer: Sent, *tables: str) -> None:
        self._transform.fetch(endpoint, answer, snapshot=at(self._answers))
        self._answers += 1
        for table in tables:
            self._transform.build(table)
            self._load(table)

    def quarantined(self, table: str) -> list[tuple[str, str]]:
        return self._load.rows(
            f"SELECT rule, record FROM ops.quarantine WHERE table_name = '{table}' ORDER BY quarantine_id"
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._load.rows(query)


@pytest.fixture
def home(transform: Transforming, load_built: Loading) -> Home:
    return Home(transform, load_built)


def too_long(*records: Row) -> list[tuple[str, str]]:
    return [("too_long", json.dumps(record)) for record in records]


def test_an_exchange_with_an_endless_name(home: Home) -> None:
    tables = ("dim_exchange_id", "dim_exchange_map")
    bad = exchange(2, name=LONG)
    home.take_in("exchange/map", sent([exchange(1), bad, exchange(3, slug=LONG)]), *tables)

    assert home.quarantined("dim_exchange_id") == too_long(bad)
    assert home.quarantined("dim_exchange_map") == [], "it says nothing of the name"
    names = "SELECT exchange_id, name, is_inferred FROM dwh.dim_exchange_id ORDER BY 1"
    assert home.rows(names) == [(1, "Exchange 1", False), (2, None, True), (3, "Exchange 3", False)]

    home.take_in("exchange/map", sent([exchange(number) for number in range(1, 4)]), "dim_exchange_id")
    assert home.rows(names) == [(number, f"Exchange {number}", False) for number in range(1, 4)]


def test_a_coin_with_an_endless_name_or_symbol(home: Home) -> None:
    table = "dim_crypto_id"
    bad = [coin(2, name=LONG), coin(3, symbol=LONG), coin(4, name=WIDE)]
    long_by_right = coin(5, slug=LONG, name="€" * 341, platform={"id": 1, "token_address": LONG, "name": LONG})
    home.take_in("cryptocurrency/map", sent([coin(1), *bad, long_by_right]), table)

    assert home.quarantined(table) == too_long(*bad)
    found = "SELECT crypto_id, slug FROM dwh.dim_crypto_id ORDER BY 1"
    assert home.rows(found) == [(1, "c1"), (5, LONG)]

    home.take_in("cryptocurrency/map", sent([coin(number) for number in range(1, 6)]), table)
    assert home.rows(found) == [(number, f"c{number}") for number in range(1, 6)]


def test_a_wallet_with_an_endless_address_or_chain(home: Home) -> None:
    table = "fact_exchange_assets"
    bad = [asset(1, wallet=LONG), asset(2, chain=LONG)]
    good = [asset(3, name=LONG, symbol=LONG), asset(4, wallet="a" * 1024, chain="b" * 1024)]
    home.take_in("exchange/assets", sent([*bad, *good], exchange_id=7), table)

    assert home.quarantined(table) == too_long(*bad)
    assert home.rows(f"SELECT crypto_id, wallet_weight FROM dwh.{table} ORDER BY 1") == [(3, 0.5), (4, 0.5)]
    coins = "SELECT crypto_id, name, symbol FROM dwh.dim_crypto_id ORDER BY 1"
    assert home.rows(coins) == [(3, None, None), (4, "Coin 4", "C4")]

    home.take_in("exchange/assets", sent([asset(1), asset(2)], exchange_id=7), table)
    assert home.rows(f"SELECT count(*) FROM dwh.{table}") == [(4,)]


def test_a_category_with_an_endless_id(home: Home) -> None:
    tables = ("dim_crypto_category", "fact_crypto_category")
    bad, long_by_right = category(LONG), category("c2", name=LONG, title=LONG, description=LONG)
    home.take_in("cryptocurrency/categories", sent([category("c1"), bad, long_by_right]), *tables)

    for table in tables:
        assert home.quarantined(table) == too_long(bad)
        assert home.rows(f"SELECT category_id FROM dwh.{table} ORDER BY 1") == [("c1",), ("c2",)]
    assert home.rows("SELECT name, title FROM dwh.dim_crypto_category WHERE category_id = 'c2'") == [(LONG, LONG)]


def test_a_fact_is_kept_and_an_endless_name_of_its_coin_or_exchange_is_none(load: Loading, lake: SilverWriter) -> None:
    said = {"crypto_name": LONG, "crypto_symbol": LONG}
    of_exchange = {"exchange_name": LONG}
    rows: dict[str, Row] = {
        "fact_crypto_market": {"crypto_id": 1, "crypto_slug": LONG, **said},
        "dim_crypto_info": {"crypto_id": 2, "slug": LONG, **said},
        "fact_exchange_assets": {
            "exchange_id": 3,
            "crypto_id": 3,
            "blockchain_name": "c",
            "wallet_address": "w",
            **said,
        },
        "link_crypto_category": {"category_id": "c4", "crypto_id": 4, "page_start": 1, "is_last_page": True, **said},
        "dim_exchange_info": {"exchange_id": 1, **of_exchange},
        "fact_exchange_info": {"exchange_id": 2, **of_exchange},
    }
    lake.commit("dim_crypto_category", {FIRST: [{"category_id": "c4"}]})
    load("dim_crypto_category")
    for table, row in rows.items():
        lake.commit(table, {FIRST: [row]})
        assert load(table).rows_loaded == 1, table

    coins = load.rows("SELECT crypto_id, name, symbol, slug, is_inferred FROM dwh.dim_crypto_id ORDER BY 1")
    slugs = (LONG, LONG, None, None)
    assert coins == [(number, None, None, slug, True) for number, slug in enumerate(slugs, start=1)]
    exchanges = load.rows("SELECT exchange_id, name, is_inferred FROM dwh.dim_exchange_id ORDER BY 1")
    assert exchanges == [(number, None, True) for number in (1, 2, 3)]


def test_a_home_that_an_older_version_left_stuck_is_set_free_by_a_rebuild(
    transform: Transforming, spark_host: SparkHost, warehouse: Warehouse, load_built: Loading
) -> None:
    table, bad = "dim_exchange_id", exchange(2, name=LONG)
    transform.fetch("exchange/map", sent([exchange(1), bad]))
    as_an_older_version_noted_it(transform.settings.home / "lake" / transform.bronze.path_of("exchange/map", FIRST))
    built = [{"exchange_id": 1, "name": "Exchange 1"}, {"exchange_id": 2, "name": LONG}]
    SilverWriter(Path(transform.settings.lake_root)).commit(table, {FIRST: built})
    transform.fetch("exchange/map", sent([exchange(1), exchange(2)]), snapshot=at(1))
    settings = transform.settings.model_copy(update={"warehouse": WarehouseSettings(url=warehouse.url)})
    home = BackfilledHome(settings, spark_host)

    transform.build(table)
    with pytest.raises(LoadError, match="index row") as refused:
        load_built(table)
    assert "`cryptoelt backfill --rebuild --table NAME`" in refused.value.hint

    assert home.backfill(table, rebuild=True).exit_code is ExitCode.DONE
    assert home.query("SELECT table_name, rule, record FROM ops.quarantine") == [(table, *too_long(bad)[0])]
    names = "SELECT exchange_id, name, snapshot_timestamp FROM dwh.dim_exchange_id ORDER BY 1"
    assert home.query(names) == [(1, "Exchange 1", FIRST), (2, "Exchange 2", at(1))]
