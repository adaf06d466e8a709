"""A membership begins where it was first seen and ends where a complete answer, or list of categories, lacks it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from tests.support.loading import Loading
from tests.support.silver_writer import SilverWriter, at, category, category_fact, members

if TYPE_CHECKING:
    from pathlib import Path

LINK = "link_crypto_category"
LIST = "fact_crypto_category"
Interval = tuple[int, datetime, datetime | None]


def show(load: Loading, lake: SilverWriter, number: int, *pages: list[int], is_whole: bool = True) -> tuple[int, ...]:
    """Load an answer of category 1; return its counts: in, loaded, present."""
    lake.commit(LINK, {at(number): members(1, pages, is_whole=is_whole)})
    unit = load(LINK)
    return unit.rows_in, unit.rows_loaded, unit.rows_present


def list_categories(load: Loading, lake: SilverWriter, number: int, *categories: int) -> None:
    """Load a list of categories."""
    lake.commit(LIST, {at(number): [category_fact(listed) for listed in categories]})
    load(LIST)


def intervals(load: Loading) -> list[Interval]:
    found = load.rows(f"SELECT crypto_id, valid_from, valid_to FROM dwh.{LINK} ORDER BY crypto_id, valid_from")
    return [(coin, since, until) for coin, since, until in found]


def test_a_coin_that_leaves_and_comes_back_has_two_intervals(load: Loading, lake: SilverWriter) -> None:
    assert show(load, lake, 0, [1, 2]) == (3, 2, 1)
    assert show(load, lake, 1, [1]) == (2, 1, 1)  # coin 2 is gone: the page that says so counts as loaded
    assert show(load, lake, 2, [1]) == (2, 0, 2)
    assert show(load, lake, 3, [1, 2]) == (3, 1, 2)
    assert intervals(load) == [(1, at(0), None), (2, at(0), at(1)), (2, at(3), None)]
    changed = f"SELECT snapshot_timestamp, load_batch_id FROM dwh.{LINK} ORDER BY crypto_id, valid_from"
    batches = [row[0] for row in load.rows("SELECT load_batch_id FROM ops.load_batch ORDER BY 1")]
    assert load.rows(changed) == [(at(0), batches[0]), (at(1), batches[1]), (at(3), batches[3])]


@pytest.mark.parametrize(
    ("lacking", "closes"),
    [
        ("the last", False),
        ("the first", False),
        ("one between", False),
        ("none", True),
        ("the category's own row", False),
    ],
)
def test_only_an_answer_of_all_pages_closes_memberships(
    load: Loading, lake: SilverWriter, lacking: str, closes: bool
) -> None:
    show(load, lake, 0, [9])
    rows = members(1, [[1, 2], [3, 4], [5]], is_whole=lacking != "the last")
    starts = {"the first": 1, "one between": 3}
    rows = [row for row in rows if row["page_start"] != starts.get(lacking)]
    if lacking == "the category's own row":
        rows = [row for row in rows if row["page_start"] != 3 or row["crypto_id"] is not None]
    lake.commit(LINK, {at(1): rows})
    load(LINK)
    assert intervals(load)[-1] == (9, at(0), at(1) if closes else None)


def test_a_page_that_lost_a_coin_on_the_way_closes_nothing(load: Loading, lake: SilverWriter) -> None:
    show(load, lake, 0, [1, 2], [3])
    lake.reject(LINK, at(1), [("wrong_type", '{"id": "2"}')])
    assert show(load, lake, 1, [1], [3]) == (5, 0, 4)
    assert [until for _, _, until in intervals(load)] == [None, None, None]


def test_an_empty_category_has_no_members_left(load: Loading, lake: SilverWriter) -> None:
    show(load, lake, 0, [1])
    assert show(load, lake, 1, []) == (1, 1, 0)
    assert intervals(load) == [(1, at(0), at(1))]


def test_a_category_gone_from_the_list_closes_all_of_its_own(load: Loading, lake: SilverWriter) -> None:
    lake.commit(LINK, {at(0): [*members(1, [[1, 2]]), *members(2, [[1]])]})
    load(LINK)
    list_categories(load, lake, 1, 1, 2)
    list_categories(load, lake, 2, 2)
    list_categories(load, lake, 3, 2)
    of_categories = f"SELECT category_id, crypto_id, valid_to, load_batch_id FROM dwh.{LINK} ORDER BY 1, 2"
    first, closed_by = load.rows("SELECT min(load_batch_id), max(load_batch_id) - 1 FROM ops.load_batch")[0]
    assert load.rows(of_categories) == [
        ("c1", 1, at(2), closed_by),
        ("c1", 2, at(2), closed_by),
        ("c2", 1, None, first),
    ]

    list_categories(load, lake, 4, 1, 2)  # back, but who belongs to it was not asked yet
    assert intervals(load)[-1] == (2, at(0), at(2))
    show(load, lake, 5, [2])
    assert intervals(load)[-1] == (2, at(5), None)


@pytest.mark.parametrize("when", ["with its good rows", "with none"])
def test_a_list_of_which_a_record_was_rejected_closes_nothing(load: Loading, lake: SilverWriter, when: str) -> None:
    show(load, lake, 0, [1])
    lake.reject(LIST, at(1), [("wrong_type", "{}")])
    list_categories(load, lake, 1, *([2] if when == "with its good rows" else []))
    assert intervals(load) == [(1, at(0), None)]


def test_a_list_that_was_cut_short_closes_nothing(load: Loading, lake: SilverWriter) -> None:
    show(load, lake, 0, [1])
    lake.mark_incomplete(LIST, at(1))
    list_categories(load, lake, 1, 2)
    assert intervals(load) == [(1, at(0), None)]

    lake.mark_incomplete(LIST, at(1), at(3))
    list_categories(load, lake, 2, 2)
    assert intervals(load) == [(1, at(0), at(2))]


def test_of_one_snapshot_what_was_seen_counts_more_than_what_was_not(load: Loading, lake: SilverWriter) -> None:
    list_categories(load, lake, 0, 2)  # an init asks for the list and for the members at one snapshot
    show(load, lake, 0, [1])
    assert intervals(load) == [(1, at(0), None)]
    list_categories(load, lake, 1, 2)
    assert intervals(load) == [(1, at(0), at(1))]


def test_an_answer_that_comes_late_splits_what_a_list_had_closed(load: Loading, lake: SilverWriter) -> None:
    show(load, lake, 0, [1])
    list_categories(load, lake, 3, 2)
    list_categories(load, lake, 6, 2)
    assert intervals(load) == [(1, at(0), at(3))]
    assert show(load, lake, 1, [2]) == (2, 2, 0)
    assert show(load, lake, 2, [2, 1]) == (3, 1, 2)
    assert show(load, lake, 5, [1]) == (2, 1, 1)
    assert intervals(load) == [(1, at(0), at(1)), (1, at(2), at(3)), (1, at(5), at(6)), (2, at(1), at(3))]


def test_a_list_that_comes_late_is_seen_between_two_answers(load: Loading, lake: SilverWriter) -> None:
    for number in (0, 2, 4):
        show(load, lake, number, [1])
    list_categories(load, lake, 3, 2)
    list_categories(load, lake, 1, 2)
    assert intervals(load) == [(1, at(0), at(1)), (1, at(2), at(3)), (1, at(4), None)]


def test_replacing_an_answer_takes_back_what_it_had_changed(load: Loading, lake: SilverWriter) -> None:
    for number in (0, 2):
        show(load, lake, number, [1, 2])
    lake.commit(LINK, {at(1): [*members(1, [[3]]), *members(2, [[3]])]})
    load(LINK)
    before = intervals(load)
    assert len(before) == 6
    DeltaTable(lake.uri(LINK)).delete(f"snapshot_timestamp = '{at(1):%Y-%m-%dT%H:%M:%SZ}'")
    version = lake.commit(LINK, {at(1): members(1, [[1, 2]])})
    unit = load(LINK, version=version, replace=True)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present) == (9, 2, 7)
    assert intervals(load) == [(1, at(0), None), (2, at(0), None)]
    load(LINK, version=2, replace=True)
    assert intervals(load) == before


def test_replacing_a_list_brings_back_the_members_of_a_category(load: Loading, lake: SilverWriter) -> None:
    show(load, lake, 0, [1])
    list_categories(load, lake, 1, 2)
    DeltaTable(lake.uri(LIST)).delete()
    version = lake.commit(LIST, {at(1): [category_fact(1), category_fact(2)]})
    load(LIST, version=version, replace=True)
    assert intervals(load) == [(1, at(0), None)]


def test_intervals_the_lake_no_longer_holds_stay(load: Loading, lake: SilverWriter, tmp_path: Path) -> None:
    show(load, lake, 0, [1, 2])
    show(load, lake, 3, [1])
    show(load, lake, 5, [1, 2])
    younger = SilverWriter(tmp_path / "younger")
    show(Loading(load.warehouse, younger.root, tmp_path / "metadata"), younger, 2, [2, 3])
    # Nobody says any more that later answers confirmed coin 1 and lacked coin 3.
    assert intervals(load) == [(1, at(0), at(2)), (2, at(0), at(3)), (2, at(5), None), (3, at(2), None)]


def test_members_and_categories_not_known_yet_are_inferred(load: Loading, lake: SilverWriter) -> None:
    show(load, lake, 0, [7])
    inferred = "SELECT name, symbol, is_inferred, inferred_from FROM dwh.dim_crypto_id"
    assert load.rows(inferred) == [("crypto 7", "S7", True, LINK)]
    assert load.rows("SELECT category_id, name, is_inferred FROM dwh.dim_crypto_category") == [("c1", None, True)]
    lake.commit("dim_crypto_category", {at(-1): [category(1, "Memes")]})
    load("dim_crypto_category")
    assert load.rows("SELECT name, is_inferred FROM dwh.dim_crypto_category") == [("Memes", False)]
