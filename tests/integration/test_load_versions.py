"""`load --version N` adds what is missing of an older Delta version, and with --replace puts it in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from cryptoelt.errors import DamagedFileError, ExitCode, UsageError
from cryptoelt.results import Phase, Status, Unit, exit_code_of
from tests.support.silver_writer import at, category, category_fact, sentiment

if TYPE_CHECKING:
    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter

MOOD = "fact_market_sentiment"
DIM = "dim_crypto_category"


def scores(load: Loading) -> list[int]:
    return [row[0] for row in load.rows(f"SELECT fear_greed_score FROM dwh.{MOOD} ORDER BY snapshot_timestamp")]


def rewrite(lake: SilverWriter, number: int, score: int) -> int:
    """Put another row in the place of a snapshot's, as a rebuild of Silver does; return the version."""
    DeltaTable(lake.uri(MOOD)).delete(f"snapshot_timestamp = '{at(number):%Y-%m-%dT%H:%M:%SZ}'")
    return lake.commit(MOOD, {at(number): [sentiment(score)]})


def test_a_version_adds_what_is_missing_and_leaves_the_rest(load: Loading, lake: SilverWriter) -> None:
    for number in range(3):
        lake.commit(MOOD, {at(number): [sentiment(number)]})
    unit = load(MOOD, version=1)
    assert (unit.snapshots, unit.rows_loaded) == ([at(0), at(1)], 2)
    assert load(MOOD).snapshots == [at(2)]
    load.execute(f"DELETE FROM dwh.{MOOD} WHERE fear_greed_score = 1")
    again = load(MOOD, version=1)
    assert (again.status, again.rows_in, again.rows_loaded, again.rows_present) == (Status.DONE, 2, 1, 1)
    assert scores(load) == [0, 1, 2]
    assert load(MOOD).status is Status.NOTHING


def test_replacing_brings_back_the_rows_of_an_older_version_and_keeps_later_snapshots(
    load: Loading, lake: SilverWriter
) -> None:
    for number in range(2):
        good = lake.commit(MOOD, {at(number): [sentiment(number)]})
    wrong = rewrite(lake, 1, 99)
    lake.commit(MOOD, {at(2): [sentiment(2)]})
    load(MOOD, version=wrong)
    load(MOOD)
    assert scores(load) == [0, 99, 2]
    assert load(MOOD, version=good).rows_loaded == 0  # without --replace, what is there stays
    assert scores(load) == [0, 99, 2]
    unit = load(MOOD, version=good, replace=True)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present) == (2, 2, 0)
    assert scores(load) == [0, 1, 2]
    superseded = load.rows("SELECT snapshots, superseded_at IS NOT NULL FROM ops.load_batch ORDER BY load_batch_id")
    assert superseded == [([at(0), at(1)], True), ([at(2)], False), ([at(0), at(1)], True), ([at(0), at(1)], False)]


def test_after_a_rollback_nothing_is_pending_and_later_snapshots_still_load(load: Loading, lake: SilverWriter) -> None:
    for number in range(3):
        lake.commit(MOOD, {at(number): [sentiment(number)]})
    load(MOOD)
    load(MOOD, version=0, replace=True)
    assert load(MOOD).status is Status.NOTHING
    lake.commit(MOOD, {at(3): [sentiment(3)]})
    assert load(MOOD).snapshots == [at(3)]
    assert scores(load) == [0, 1, 2, 3]


def test_replacing_facts_keeps_what_they_refer_to(load: Loading, lake: SilverWriter) -> None:
    lake.commit(DIM, {at(0): [category(1)]})
    lake.commit("fact_crypto_category", {at(0): [category_fact(1, 5.0)]})
    for table in (DIM, "fact_crypto_category"):
        load(table)
        load(table, version=0, replace=True)
    assert load.rows("SELECT name FROM dwh.dim_crypto_category") == [("Category 1",)]
    assert load.rows("SELECT category_id, market_cap FROM dwh.fact_crypto_category") == [("c1", 5.0)]


def test_replacing_a_dimension_recomputes_its_history(load: Loading, lake: SilverWriter) -> None:
    good = lake.commit(DIM, {at(0): [category(1, "A"), category(2, "X")]})
    DeltaTable(lake.uri(DIM)).delete()
    lake.commit(DIM, {at(0): [category(1, "wrong"), category(2, "X")], at(1): [category(1, "A"), category(2, "Y")]})
    load(DIM, version=2)
    assert load.rows("SELECT name FROM dwh.dim_crypto_category_history ORDER BY 1") == [("X",), ("wrong",)]
    load(DIM, version=good, replace=True)
    current = "SELECT name, snapshot_timestamp FROM dwh.dim_crypto_category ORDER BY category_id"
    assert load.rows(current) == [("A", at(0)), ("Y", at(1))]
    assert load.rows("SELECT name FROM dwh.dim_crypto_category_history") == [("X",)]


@pytest.mark.parametrize("version", [3, -1, 1_000_000])
def test_an_unknown_version_is_wrong_usage_and_names_the_range(load: Loading, lake: SilverWriter, version: int) -> None:
    for number in range(3):
        lake.commit(MOOD, {at(number): [sentiment(number)]})
    with pytest.raises(UsageError, match=f"{MOOD} has no version {version}") as caught:
        load(MOOD, version=version)
    assert "0 to 2" in caught.value.hint
    unit = Unit(Phase.LOAD, MOOD)
    unit.failed(caught.value)
    assert exit_code_of([unit]) is ExitCode.USAGE


def test_a_version_of_a_table_never_written_is_wrong_usage(load: Loading) -> None:
    with pytest.raises(UsageError, match="never written"):
        load(MOOD, version=0)


def test_a_version_whose_log_was_cleaned_up_is_wrong_usage(load: Loading, lake: SilverWriter) -> None:
    for number in range(3):
        lake.commit(MOOD, {at(number): [sentiment(number)]})
    lake.forget_log(MOOD)
    with pytest.raises(UsageError, match="no version 1 any more"):
        load(MOOD, version=1)


def test_a_version_whose_files_were_vacuumed_names_the_file_and_changes_nothing(
    load: Loading, lake: SilverWriter
) -> None:
    for number in range(2):
        lake.commit(MOOD, {at(number): [sentiment(number)]})
    lake.optimize(MOOD)
    table = DeltaTable(lake.uri(MOOD))
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    load(MOOD)
    with pytest.raises(DamagedFileError, match="parquet"):
        load(MOOD, version=1, replace=True)
    assert scores(load) == [0, 1]


def test_replacing_without_a_version_is_wrong_usage(load: Loading) -> None:
    with pytest.raises(UsageError, match="needs the version"):
        load(MOOD, replace=True)
