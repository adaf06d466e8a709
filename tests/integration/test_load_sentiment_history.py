"""Points of the historical answer stand at their own day, beside the latest values and once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from tests.support.silver_writer import FIRST, at, point, sentiment

if TYPE_CHECKING:
    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter

HISTORY = "market_sentiment_history"
MOOD = "fact_market_sentiment"


def counts(load: Loading, version: int | None = None, *, replace: bool = False) -> tuple[int, int, int]:
    unit = load(HISTORY, version, replace=replace)
    return unit.rows_in, unit.rows_loaded, unit.rows_present


def scores(load: Loading) -> list[int]:
    """Newest last."""
    return [row[0] for row in load.rows(f"SELECT fear_greed_score FROM dwh.{MOOD} ORDER BY snapshot_timestamp")]


def test_a_point_stands_at_its_own_midnight_and_the_batch_names_the_snapshot_that_brought_it(
    load: Loading, lake: SilverWriter
) -> None:
    lake.commit(HISTORY, {at(0): [point(1, 20), point(2, 30)]})
    assert counts(load) == (2, 2, 0)
    midnight = point(1, 0)["value_timestamp"]
    newest = f"SELECT * FROM dwh.{MOOD} ORDER BY snapshot_timestamp DESC LIMIT 1"
    (batch,) = load.rows("SELECT load_batch_id, table_name, snapshots FROM ops.load_batch")
    assert batch[1:] == (HISTORY, [at(0)])
    assert load.rows(newest) == [(midnight, f"{midnight:%Y-%m-%d}", 20, "Fear", midnight, batch[0])]


def test_a_second_answer_adds_only_what_is_missing(load: Loading, lake: SilverWriter) -> None:
    lake.commit(HISTORY, {at(0): [point(2, 20), point(3, 30)]})
    counts(load)
    lake.commit(HISTORY, {at(1): [point(1, 10), point(2, 99), point(3, 30)]})
    assert counts(load) == (3, 1, 2)
    assert scores(load) == [30, 20, 10]


def test_the_earliest_answer_counts_in_every_order(load: Loading, lake: SilverWriter) -> None:
    answers = {0: [point(2, 20)], 1: [point(1, 11), point(2, 21)], 2: [point(0, 2), point(1, 12), point(3, 32)]}
    for order in itertools.permutations(answers):
        load.execute(f"TRUNCATE dwh.{MOOD}, ops.load_batch")
        for number in order:
            lake.commit(HISTORY, {at(number): answers[number]})
            counts(load)
        assert scores(load) == [32, 20, 11, 2], order


def test_replacing_an_answer_replaces_its_own_points_only(load: Loading, lake: SilverWriter) -> None:
    lake.commit(
        MOOD, {at(0): [sentiment(50)], at(1): [sentiment(51)], FIRST.replace(hour=0, minute=0): [sentiment(52)]}
    )
    load(MOOD)
    lake.commit(HISTORY, {at(0): [point(1, 10), point(3, 30)]})
    lake.commit(HISTORY, {at(1): [point(0, 5), point(1, 11), point(2, 20)]})
    counts(load)
    assert scores(load) == [30, 20, 10, 52, 50, 51]
    DeltaTable(lake.uri(HISTORY)).delete(f"snapshot_timestamp = '{at(0):%Y-%m-%dT%H:%M:%SZ}'")
    lake.commit(HISTORY, {at(0): [point(3, 31), point(2, 21)]})
    newest = DeltaTable(lake.uri(HISTORY))
    newest.delete(f"snapshot_timestamp = '{at(1):%Y-%m-%dT%H:%M:%SZ}'")
    only_first = newest.version()
    lake.commit(HISTORY, {at(1): [point(0, 5), point(1, 11), point(2, 20)]})
    # Of the replaced answer point 1 is gone, and the other answer has it; the latest values are none of its own.
    assert counts(load, only_first, replace=True) == (2, 2, 0)
    assert scores(load) == [31, 21, 11, 52, 50, 51]
