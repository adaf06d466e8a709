"""Chosen snapshots of Silver into the warehouse, many at once: what is lacking, or all in place of what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from cryptoelt.lake.silver import commit_metadata
from cryptoelt.load.bulk import copy_new
from cryptoelt.load.facts import forget_unreferenced
from cryptoelt.load.rebuild import Choice
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.warehouse.engine import transaction
from cryptoelt.warehouse.schema import silver_schema, target_of
from tests.support.silver_writer import at, category, coin, coin_map, exchange, listing

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.loading import Loading
    from tests.support.silver_writer import Row, SilverWriter

MARKET, COINS, MAP = "fact_crypto_market", "dim_crypto_id", "dim_crypto_map"
MEMBERS = "SELECT crypto_id, name, snapshot_timestamp, is_inferred FROM dwh.dim_crypto_id ORDER BY 1"
PRICES = "SELECT crypto_id, snapshot_timestamp, price_usd FROM dwh.fact_crypto_market ORDER BY 2, 1"


def put(lake: SilverWriter, table: str, snapshots: dict[datetime, list[Row]]) -> None:
    """Put snapshots in place of what a table holds of them, as a rebuild of Silver does."""
    rows = [
        {"snapshot_timestamp": moment, "snapshot_str": "x", "call_id": "c", **row}
        for moment, of_snapshot in snapshots.items()
        for row in of_snapshot
    ]
    moments = ", ".join(f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in snapshots)
    write_deltalake(
        lake.uri(table),
        pa.Table.from_pylist(rows, schema=silver_schema(table)),
        mode="overwrite",
        predicate=f"snapshot_timestamp IN ({moments})",
        commit_properties=CommitProperties(
            custom_metadata={"userMetadata": commit_metadata(list(snapshots), replaces=True)}
        ),
    )


def rebuild(load: Loading, table: str, *numbers: int, runs: tuple[str, ...] = ()) -> Unit:
    """Put snapshots of a table in place of what the warehouse holds of them."""
    unit, moments = Unit(Phase.LOAD, table), {at(number) for number in numbers}
    choice = Choice(moments.__contains__, replace=True, in_bronze=moments, is_whole=True, runs=runs)
    load.loader(table).load_chosen(table, unit, choice)
    return unit


def test_many_snapshots_come_in_one_batch_and_the_earliest_names_a_member(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MARKET, {at(2): [listing(1, "Later"), listing(2)], at(3): [listing(3)], at(1): [listing(1, "First")]})
    unit = load(MARKET)

    assert (unit.rows_in, unit.rows_loaded, unit.rows_present) == (4, 4, 0)
    assert load.rows(PRICES) == [(1, at(1), 1.0), (1, at(2), 1.0), (2, at(2), 1.0), (3, at(3), 1.0)]
    assert load.rows(MEMBERS) == [(1, "First", at(1), True), (2, "crypto 2", at(2), True), (3, "crypto 3", at(3), True)]
    assert load.rows("SELECT DISTINCT load_batch_id FROM dwh.fact_crypto_market") == load.rows(
        "SELECT load_batch_id FROM ops.load_batch"
    )


def test_a_row_that_is_there_already_is_left_as_it_is(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MARKET, {at(0): [listing(1)]})
    load(MARKET)
    load.execute("TRUNCATE ops.load_batch")
    lake.commit(MARKET, {at(0): [listing(1, price=9.0)], at(1): [listing(1, price=2.0)]})
    work = load(MARKET)

    assert (work.rows_loaded, work.rows_present) == (1, 4)
    assert load.rows(PRICES) == [(1, at(0), 1.0), (1, at(1), 2.0)]


def test_a_copy_that_meets_a_row_changes_nothing(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MARKET, {at(0): [listing(1)]})
    load(MARKET)
    lake.commit(MARKET, {at(1): [listing(2)]})
    silver = load.loader(MARKET).read_delta(MARKET)
    with load.warehouse.session() as connection, transaction(connection) as cursor:
        assert copy_new(cursor, target_of(MARKET), silver, [at(0), at(1)], 99, replace=False) is None
    assert load.rows("SELECT crypto_id FROM dwh.dim_crypto_id") == [(1,)]


def test_what_was_put_in_place_in_silver_is_not_loaded_as_if_it_were_new(load: Loading, lake: SilverWriter) -> None:
    for number in range(3):
        lake.commit(MARKET, {at(number): [listing(1)]})
    load(MARKET)
    put(lake, MARKET, {at(number): [listing(1, price=5.0)] for number in range(2)})
    lake.commit(MARKET, {at(3): [listing(1)]})
    between = load(MARKET)

    assert (between.snapshots, between.rows_in) == ([at(3)], 1)
    assert [row[2] for row in load.rows(PRICES)] == [1.0, 1.0, 1.0, 1.0]
    unit = rebuild(load, MARKET, 0, 1)
    assert (unit.snapshots, unit.rows_loaded) == ([at(0), at(1)], 2)
    assert [row[2] for row in load.rows(PRICES)] == [5.0, 5.0, 1.0, 1.0]
    assert load(MARKET).status is Status.NOTHING


def test_a_window_says_no_more_than_it_loaded(load: Loading, lake: SilverWriter) -> None:
    for number in range(2):
        lake.commit(MARKET, {at(number): [listing(1)]})
    load(MARKET)
    put(lake, MARKET, {at(1): [listing(1, price=5.0)]})
    lake.commit(MARKET, {at(2): [listing(1)]})
    rebuild(load, MARKET, 1)

    assert [row[2] for row in load.rows(PRICES)] == [1.0, 5.0]
    assert load(MARKET).snapshots == [at(2)]
    assert load(MARKET).status is Status.NOTHING


def test_what_a_run_of_the_same_rebuild_has_loaded_is_not_loaded_again(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MARKET, {at(number): [listing(1)] for number in range(3)})
    rebuild(load, MARKET, 0, 1)
    assert rebuild(load, MARKET, 0, 1, runs=("run-1",)).status is Status.NOTHING
    assert rebuild(load, MARKET, 0, 1, 2, runs=("run-1",)).snapshots == [at(0), at(1), at(2)]
    assert rebuild(load, MARKET, 0, 1, runs=("run-9",)).snapshots == [at(0), at(1)]


def test_a_dimension_is_put_in_place_as_a_whole(load: Loading, lake: SilverWriter) -> None:
    for number, name in enumerate(("A", "B", "A", "C")):
        lake.commit(COINS, {at(number): [coin(1, name)]})
    load(COINS)
    put(lake, COINS, {at(1): [coin(1, "A")]})
    rebuild(load, COINS, 1)

    assert load.rows("SELECT name, snapshot_timestamp FROM dwh.dim_crypto_id") == [("C", at(3))]
    assert load.rows("SELECT name, valid_from, valid_to FROM dwh.dim_crypto_id_history") == [("A", at(0), at(3))]


def test_a_record_that_names_a_member_otherwise_once_rebuilt_is_believed(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MARKET, {at(0): [listing(1, "Wrong")], at(1): [listing(1, "Later")]})
    load(MARKET)
    put(lake, MARKET, {at(0): [listing(1, "Right")]})
    rebuild(load, MARKET, 0, 1)
    assert load.rows(MEMBERS) == [(1, "Right", at(0), True)]


@pytest.mark.parametrize(
    ("table", "rows", "key", "dependent"),
    [
        (COINS, [coin(1), coin(2)], "crypto_id", {MARKET: [listing(2)]}),
        ("dim_exchange_id", [exchange(1), exchange(2)], "exchange_id", {}),
        ("dim_crypto_category", [category(1), category(2)], "category_id", {}),
    ],
)
def test_a_member_that_a_rebuild_no_longer_shows_is_gone_unless_something_refers_to_it(
    load: Loading, lake: SilverWriter, table: str, rows: list[Row], key: str, dependent: dict[str, list[Row]]
) -> None:
    lake.commit(table, {at(0): rows})
    load(table)
    for other, of_other in dependent.items():
        lake.commit(other, {at(0): of_other})
        load(other)
    put(lake, table, {at(0): rows[:1]})
    rebuild(load, table, 0)
    for other in dependent:
        rebuild(load, other, 0)
    with load.warehouse.session() as connection, transaction(connection) as cursor:
        assert forget_unreferenced(cursor) == 1 - len(dependent)
        assert forget_unreferenced(cursor) == 0

    found = load.rows(f"SELECT {key}, is_inferred, inferred_from FROM dwh.{table} ORDER BY 1")
    expected = [(rows[0][key], False, None), *((rows[1][key], True, other) for other in dependent)]
    assert found == expected


def test_an_evolving_dimension_is_replaced_by_its_window(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MAP, {at(number): [coin_map(1), coin_map(2)] for number in range(3)})
    load(MAP)
    put(lake, MAP, {at(1): [coin_map(1, rank=7)]})
    rebuild(load, MAP, 1)
    ranks = load.rows("SELECT snapshot_timestamp, crypto_id, rank FROM dwh.dim_crypto_map ORDER BY 1, 2")
    assert ranks == [(at(0), 1, 1), (at(0), 2, 1), (at(1), 1, 7), (at(2), 1, 1), (at(2), 2, 1)]
