"""Whoever is named before its own endpoint told of it is there at once, as the first record named it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support.silver_writer import (
    asset,
    at,
    coin,
    coin_info,
    coin_map,
    exchange,
    exchange_figures,
    exchange_info,
    exchange_map,
    listing,
    members,
)

if TYPE_CHECKING:
    from tests.support.loading import Loading
    from tests.support.silver_writer import Row, SilverWriter

COIN = "SELECT name, symbol, slug, snapshot_timestamp, is_inferred, inferred_from FROM dwh.dim_crypto_id"
EXCHANGE = "SELECT name, snapshot_timestamp, is_inferred, inferred_from FROM dwh.dim_exchange_id"
#: What names a coin, and how; the first of one snapshot counts.
NAMING: dict[str, list[Row]] = {
    "fact_crypto_market": [listing(1, "Listed")],
    "fact_exchange_assets": [asset(1, 1, 1.0, name="Held")],
    "link_crypto_category": members(1, [[1]]),
    "dim_crypto_info": [coin_info(1)],
}


def test_of_one_snapshot_the_listings_come_before_the_assets_and_these_before_the_categories(
    load: Loading, lake: SilverWriter
) -> None:
    said: dict[str, tuple[str, str, str | None]] = {
        "fact_crypto_market": ("Listed", "S1", "coin-1"),
        "fact_exchange_assets": ("Held", "S1", None),
        "link_crypto_category": ("crypto 1", "S1", None),
        "dim_crypto_info": ("crypto 1", "S1", "coin-1"),
    }
    for table, rows in NAMING.items():
        lake.commit(table, {at(0): rows})
    for pair in itertools.permutations(NAMING, 2):
        load.execute("TRUNCATE dwh.dim_crypto_id, dwh.dim_exchange_id CASCADE; TRUNCATE ops.load_batch")
        for table in pair:
            load(table)
        first = min(pair, key=list(NAMING).index)
        assert load.rows(COIN) == [(*said[first], at(0), True, first)], pair


def test_an_earlier_snapshot_counts_more_whatever_named_the_coin(load: Loading, lake: SilverWriter) -> None:
    lake.commit("fact_crypto_market", {at(2): [listing(1)], at(3): [listing(1, "Later")]})
    load("fact_crypto_market")
    lake.commit("link_crypto_category", {at(4): members(1, [[1]]), at(1): members(1, [[1]])})
    load("link_crypto_category")
    assert load.rows(COIN) == [("crypto 1", "S1", None, at(1), True, "link_crypto_category")]


@pytest.mark.parametrize("first", ["the map", "the listings"])
def test_a_map_row_counts_more_than_an_earlier_inferred_one_and_leaves_no_history(
    load: Loading, lake: SilverWriter, first: str
) -> None:
    lake.commit("fact_crypto_market", {at(0): [listing(1, "Listed")], at(5): [listing(1, "Listed later")]})
    lake.commit("dim_crypto_id", {at(2): [coin(1, "Mapped")]})
    for table in sorted(("fact_crypto_market", "dim_crypto_id"), reverse=first == "the listings"):
        load(table)
    assert load.rows(COIN) == [("Mapped", "S1", "coin-1", at(2), False, None)]
    assert load.rows("SELECT * FROM dwh.dim_crypto_id_history") == []
    assert load.rows("SELECT count(*) FROM dwh.fact_crypto_market") == [(2,)]


def test_a_renamed_coin_is_one_row_with_its_former_name_in_the_history(load: Loading, lake: SilverWriter) -> None:
    for number, (name, rank) in enumerate([("Old", 1), ("Old", 2), ("New", 3), ("New", 4)]):
        lake.commit("dim_crypto_id", {at(number): [coin(1, name)]})
        lake.commit("dim_crypto_map", {at(number): [coin_map(1, rank)]})
    load("dim_crypto_id")
    load("dim_crypto_map")
    assert load.rows(COIN) == [("New", "S1", "coin-1", at(2), False, None)]
    history = "SELECT crypto_id, name, valid_from, valid_to FROM dwh.dim_crypto_id_history"
    assert load.rows(history) == [(1, "Old", at(0), at(2))]
    assert load.rows("SELECT rank FROM dwh.dim_crypto_map ORDER BY snapshot_timestamp") == [(1,), (2,), (3,), (4,)]


def test_a_live_figure_in_the_description_makes_no_new_version(load: Loading, lake: SilverWriter) -> None:
    tags = [["layer-1"], ["layer-1"], ["layer-1", "pow"], None]
    for number, of_snapshot in enumerate(tags):
        lake.commit("dim_crypto_info", {at(number): [coin_info(1, of_snapshot, f"It costs {number}")]})
    load("dim_crypto_info")
    current = "SELECT tags, description, snapshot_timestamp FROM dwh.dim_crypto_info"
    assert load.rows(current) == [(None, "It costs 3", at(3))]
    former = "SELECT tags, description, valid_from, valid_to FROM dwh.dim_crypto_info_history ORDER BY valid_from"
    assert load.rows(former) == [
        (["layer-1"], "It costs 0", at(0), at(2)),
        (["layer-1", "pow"], "It costs 2", at(2), at(3)),
    ]


def test_an_exchange_is_inferred_from_whatever_names_it_first(load: Loading, lake: SilverWriter) -> None:
    naming = {
        "dim_exchange_map": [exchange_map(1)],
        "fact_exchange_assets": [asset(1, 1, 1.0)],
        "fact_exchange_info": [exchange_figures(1, 1.0)],
        "dim_exchange_info": [exchange_info(1)],
    }
    for table, rows in naming.items():
        lake.commit(table, {at(1): rows})
        load(table)
        name = "exchange 1" if table.endswith("info") else None
        assert load.rows(EXCHANGE) == [(name, at(1), True, table)]
    lake.commit("dim_exchange_id", {at(2): [exchange(1, "Kraken")]})
    load("dim_exchange_id")
    assert load.rows(EXCHANGE) == [("Kraken", at(2), False, None)]
    assert load.rows("SELECT * FROM dwh.dim_exchange_id_history") == []
