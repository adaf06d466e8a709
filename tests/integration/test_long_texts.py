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
    """A coin of the map, of the listings, or of infos."""
    named = {"id": number, "name": f"Coin {number}", "symbol": f"C{number}", "slug": f"c{number}"}
    return {**named, "rank": number, "is_active": 1, "quote": [{"symbol": "USD", "price": 2}], **fields}


def category(number: str, **fields: Any) -> Row:
    return {"id": number, "name": "Category", "title": "Title", "num_tokens": 1, "market_cap": 2.0, **fields}


def asset(number: int, wallet: str = "w", chain: str = "Chain", **names: Any) -> Row:
    currency = {"crypto_id": number, "price_usd": 2, "symbol": f"C{number}", "name": f"Coin {number}", **names}
    return {"wallet_address": wallet, "balance": 3, "platform": {"name": chain}, "currency": currency}


def keyed(*records: Row) -> dict[str, Row]:
    return {str(record["id"]): record for record in records}


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

    info = {"name": LONG, "spot_volume_usd": 5, "description": LONG}
    home.take_in("exchange/info", sent(keyed(exchange(4, **info))), "dim_exchange_info", "fact_exchange_info")
    assert home.rows("SELECT spot_volume_usd FROM dwh.fact_exchange_info") == [(5.0,)]
    assert home.rows(f"{names} OFFSET 3") == [(4, None, True)], "a fact is kept, the name of its exchange is none"

    home.take_in("exchange/map", sent([exchange(number) for number in range(1, 5)]), *tables)
    assert home.rows(names) == [(number, f"Exchange {number}", False) for number in range(1, 5)]


def test_a_coin_with_an_endless_name_or_symbol(home: Home) -> None:
    tables = ("dim_crypto_id", "dim_crypto_map")
    bad = [coin(2, name=LONG), coin(3, symbol=LONG), coin(4, name=WIDE)]
    long_by_right = coin(5, slug=LONG, name="€" * 341, platform={"id": 1, "token_address": LONG, "name": LONG})
    home.take_in("cryptocurrency/map", sent([coin(1), *bad, long_by_right]), *tables)

    assert home.quarantined("dim_crypto_id") == too_long(*bad)
    assert home.quarantined("dim_crypto_map") == []
    named = "SELECT crypto_id FROM dwh.dim_crypto_id WHERE NOT is_inferred ORDER BY 1"
    assert home.rows(named) == [(1,), (5,)]
    assert home.rows("SELECT slug, platform_name FROM dwh.dim_crypto_id WHERE crypto_id = 5") == [(LONG, LONG)]

    listed = [coin(6, name=LONG), coin(7, symbol=LONG, slug=LONG)]
    home.take_in("cryptocurrency/listings/latest", sent(listed, batch_index=1), "fact_crypto_market")
    home.take_in("cryptocurrency/info", sent(keyed(coin(8, name=LONG, description=LONG))), "dim_crypto_info")
    assert home.rows("SELECT crypto_id, price_usd FROM dwh.fact_crypto_market ORDER BY 1") == [(6, 2.0), (7, 2.0)]
    assert home.rows("SELECT crypto_id FROM dwh.dim_crypto_info") == [(8,)]
    inferred = "SELECT crypto_id, name, symbol, slug FROM dwh.dim_crypto_id WHERE crypto_id > 5 ORDER BY 1"
    assert home.rows(inferred) == [(6, None, "C6", "c6"), (7, "Coin 7", None, LONG), (8, None, "C8", "c8")]

    home.take_in("cryptocurrency/map", sent([coin(number) for number in range(1, 9)]), *tables)
    assert home.rows(named) == [(number,) for number in range(1, 9)]


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

    coins = [{"id": 1, "name": LONG, "symbol": LONG}, {"id": 2, "name": "Coin", "symbol": "C"}]
    page = sent({"id": "c1", "name": LONG, "num_tokens": 2, "coins": coins}, category_id="c1", page_start=1)
    link = "link_crypto_category"
    home.take_in("cryptocurrency/category", Sent(page.text, {**page.constants, "is_last_page": True}), link)
    assert home.rows(f"SELECT crypto_id, valid_to FROM dwh.{link} ORDER BY 1") == [(1, None), (2, None)]
    home.take_in("cryptocurrency/categories", sent([category("c1"), category("c2")]), *tables)
    assert home.rows("SELECT count(*) FROM dwh.fact_crypto_category") == [(4,)]


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
