"""Which Bronze snapshots a Silver table lacks: found without Spark, and without looking at all of history."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from cryptoelt.clock import iso
from cryptoelt.lake.bronze import COMMON_FIELDS, UTC_MICROSECONDS, Bronze
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.lake.silver import SilverTable
from cryptoelt.lake.store import LocalStore
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase
from cryptoelt.tables import TABLES
from cryptoelt.transform.pending import Pending, find_pending, silver_uri
from tests.support.silver_writer import SilverWriter, at, category_fact

TABLE = "fact_crypto_category"
ENDPOINT = TABLES[TABLE].endpoint
MONTH = 31 * 24
#: Later than all that is fetched here, but for what is to lie in the future.
NOW = at(12 * MONTH)


class Lake:
    """A lake with Bronze, Silver and the journal of one table."""

    def __init__(self, home: Path) -> None:
        self.silver = SilverWriter(home / "lake")
        self.store = LocalStore(home / "lake")
        self.bronze = Bronze(self.store)
        self.metadata = home / "metadata"
        self.journal = Journal(self.metadata, Phase.TRANSFORM, TABLE)

    def fetch(self, *numbers: int) -> None:
        for number in numbers:
            columns: list[pa.Array[pa.Scalar[pa.DataType]]] = [
                pa.array([at(number)], UTC_MICROSECONDS),
                pa.array(["call"]),
                pa.array([0], pa.int64()),
                pa.array(["{}"]),
                pa.array([None], COMMON_FIELDS[4].type),
            ]
            self.bronze.write(
                ENDPOINT, at(number), pa.table(columns, schema=pa.schema(COMMON_FIELDS)), BronzeNote(clean=True)
            )

    def build(self, *numbers: int) -> None:
        for number in numbers:
            self.silver.commit(TABLE, {at(number): [category_fact(1)]})

    def journal_says(self, complete: int, **other: object) -> None:
        table = SilverTable(self.silver.uri(TABLE))
        known = {"silver_table_id": table.table_id, "silver_version": table.version}
        self.journal.append({**known, "complete_through": iso(at(complete)), **other})

    def pending(self) -> Pending:
        return find_pending(TABLE, self.bronze, self.silver.root, self.metadata, NOW)

    def missing(self) -> list[int]:
        return [(file.snapshot - at(0)) // timedelta(hours=1) for file in self.pending().snapshots]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def test_without_bronze_nothing_is_missing(lake: Lake) -> None:
    assert lake.pending() == Pending([], None)


def test_a_table_never_built_lacks_everything_oldest_first(lake: Lake) -> None:
    lake.fetch(2, 0, MONTH, 1)

    assert lake.missing() == [0, 1, 2, MONTH]
    assert lake.pending().complete is None


def test_a_table_lacks_what_it_does_not_hold_whatever_came_after_it(lake: Lake) -> None:
    lake.fetch(0, 1, 2, 3, 4)
    lake.build(4, 0, 2)

    assert lake.missing() == [1, 3]


def test_the_word_of_the_journal_is_taken_for_what_is_more_than_a_month_older(lake: Lake) -> None:
    months = [number * MONTH for number in range(6)]
    lake.fetch(*months, months[-1] + 1, months[-1] + 2)
    lake.build(*months[2:], months[-1] + 2)  # the first two were never built, and nobody looks for them any more
    lake.journal_says(months[-1])

    assert lake.missing() == [months[-1] + 1]
    assert lake.pending().complete == at(months[-1])


@pytest.mark.parametrize("ended", [at(15 * MONTH), at(6 * MONTH)], ids=["clock still ahead", "clock mended by then"])
def test_complete_up_to_a_time_to_come_hides_nothing_that_has_come_since(lake: Lake, ended: datetime) -> None:
    """A run with the clock ahead built its snapshot; the true ones that follow are older, and months before it."""
    lake.fetch(0, 15 * MONTH)
    lake.build(0, 15 * MONTH)
    lake.journal_says(15 * MONTH, ended_at=iso(ended))
    lake.fetch(6 * MONTH)

    assert lake.missing() == [6 * MONTH]


def test_what_a_table_built_of_a_time_to_come_hides_nothing_when_that_time_is_past(lake: Lake) -> None:
    lake.fetch(0, 10 * MONTH)
    lake.build(0, 10 * MONTH)
    lake.journal_says(10 * MONTH, ended_at=iso(at(6 * MONTH)))
    lake.fetch(6 * MONTH)

    assert lake.missing() == [6 * MONTH]


def test_a_file_that_is_put_back_late_is_missing_although_its_successors_are_built(lake: Lake) -> None:
    lake.fetch(0, 2)
    lake.build(0, 2)
    lake.journal_says(2)
    lake.fetch(1)

    pending = lake.pending()
    assert lake.missing() == [1]
    assert pending.complete is not None
    assert at(0) <= pending.complete < at(1)


def test_a_lost_journal_costs_no_snapshot_and_doubles_none(lake: Lake) -> None:
    lake.fetch(0, 1, 2)
    lake.build(0, 2)
    lake.journal_says(0)
    lake.journal.path.unlink()

    assert lake.missing() == [1]


def test_a_torn_last_line_leaves_the_word_of_the_line_before(lake: Lake) -> None:
    lake.fetch(0, 1, 2)
    lake.build(0, 1)
    lake.journal_says(1)
    with lake.journal.path.open("a") as stream:
        stream.write('{"complete_through": "2099-')

    assert lake.missing() == [2]
    assert lake.pending().complete == at(1)


def test_the_word_is_not_taken_for_a_table_that_was_made_anew(lake: Lake) -> None:
    lake.fetch(0, 1)
    lake.build(0, 1)
    lake.journal_says(1)
    Path(lake.silver.uri(TABLE)).rename(lake.metadata / "former")
    assert lake.missing() == [0, 1]

    lake.build(1)
    assert lake.missing() == [0]


def test_the_word_is_not_taken_for_a_table_that_was_put_back_to_an_earlier_version(lake: Lake) -> None:
    lake.fetch(0, 1)
    lake.build(0)
    lake.journal_says(1, silver_version=1)

    assert lake.missing() == [1]


def test_the_word_of_a_failed_run_that_knew_nothing_is_none(lake: Lake) -> None:
    lake.fetch(0)
    lake.journal.append({"status": "failed", "complete_through": None, "silver_table_id": None, "silver_version": None})
    assert lake.missing() == [0]

    lake.build(0)
    assert lake.missing() == []


@pytest.mark.parametrize("key", ["silver_table_id", "silver_version", "complete_through"])
def test_a_word_that_is_not_understood_is_none(lake: Lake, key: str) -> None:
    lake.fetch(0, 1)
    lake.build(0)
    lake.journal_says(0)
    for odd in (None, "x", -1, float("1e400"), [1], {"a": 1}, "0001-01-01T00:00:00+14:00"):
        line = {**(lake.journal.last() or {}), key: odd}
        lake.journal.path.write_text(f"{json.dumps(line)}\n")
        assert lake.missing() == [1], odd
        lake.journal_says(0)
    lake.journal.path.write_text('{"format": 99, "complete_through": "2099-01-01T00:00:00Z"}\n')
    assert lake.missing() == [1]


def test_what_was_only_rejected_before_the_process_died_is_still_missing(lake: Lake) -> None:
    lake.fetch(0, 1)
    lake.build(0)
    lake.silver.reject(TABLE, at(1), [("missing_key", "{}")])
    assert lake.missing() == [1]

    lake.silver.commit(TABLE, {at(1): []})
    assert lake.missing() == []


def test_the_place_of_a_table_is_that_of_the_contract() -> None:
    assert silver_uri("/lake", "dim_crypto_id") == "/lake/silver/crypto/dim_crypto_id"
    assert silver_uri("/lake", "fact_exchange_assets") == "/lake/silver/exchange/fact_exchange_assets"
    assert silver_uri("/lake", "market_sentiment_history") == "/lake/silver/sentiment/market_sentiment_history"
