"""Numbers are the API's numbers, and rows add up: two runs over the whole synthetic market, every value compared.

Process, JVM, database and reader each live in another time zone, because a time that goes through a local one on its
way comes out an hour off.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import parse_iso
from cryptoelt.frequencies import tables_of
from cryptoelt.sandbox.market.names import ODD_NAMES
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.tables import TABLES
from tests.support.cli import Cli, home_env
from tests.support.evidence import assert_row, execute, lines_of, rows, url_of
from tests.support.expected import BLANKS, category_attributes, category_fact, global_fact, sentiment_fact, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from tests.support.expected import Row

CATEGORIES, GLOBAL, SENTIMENT = (
    "cryptocurrency/categories",
    "global-metrics/quotes/latest",
    "fear-and-greed/latest",
)
#: Eight days of a market that is the same on every day these tests run: categories come, go and are renamed meanwhile.
MARKET_DAY = "2026-11-23T10:30:00Z"
BETWEEN_RUNS = 8 * 86_400
READER_ZONE = "America/St_Johns"


@dataclass(frozen=True)
class History:
    """What two runs left behind.

    Attributes:
        home: the home.
        url: its warehouse.
        runs: the `--json` object of each run.
        answers: endpoint -> the `data` of each run's answer.
    """

    home: Path
    url: str
    runs: list[dict[str, Any]]
    answers: dict[str, list[Any]]

    @property
    def snapshots(self) -> list[datetime]:
        """The snapshot time of each run."""
        found = []
        for run in self.runs:
            (moment,) = {moment for unit in run["units"] for moment in unit["snapshots"]}
            found.append(parse_iso(moment))
        return found

    def read(self, query: str, **values: object) -> list[Row]:
        """Return rows as a reader in a time zone of its own gets them."""
        return rows(self.url, query, time_zone=READER_ZONE, **values)


@pytest.fixture(scope="module")
def history(make_embedded_home: Callable[[str], Path]) -> Iterator[History]:
    """Run the 10x pipeline twice in Paris, against a database in Kolkata."""
    home = make_embedded_home("numbers")
    url = url_of(home)
    execute(url, "ALTER DATABASE cryptoelt SET TimeZone = 'Asia/Kolkata'")
    execute(url, "ALTER ROLE cryptoelt SET TimeZone = 'Asia/Kolkata'")
    with SandboxServer(seed=11, minute_limit=100_000).advance_to(MARKET_DAY) as sandbox:
        cli = Cli(home, home_env(home, sandbox) | {"TZ": "Europe/Paris"})
        runs = []
        for _ in range(2):
            finished = cli("run", "--freq", "10x", "--json")
            assert finished.code == 0, finished.told
            runs.append(finished.json())
            sandbox.advance(BETWEEN_RUNS)
        served = [entry for entry in sandbox.served() if entry["http_status"] == 200]
        bodies = [(entry["endpoint"], sandbox.served_body(entry["sequence"]) or b"") for entry in served]
    answers = {
        name: [json.loads(body)["data"] for of, body in bodies if of == name]
        for name in (CATEGORIES, GLOBAL, SENTIMENT)
    }
    assert [len(found) for found in answers.values()] == [2, 2, 2]
    yield History(home, url, runs, answers)


def test_every_figure_of_every_category_is_the_one_that_was_sent(history: History) -> None:
    for answer, snapshot in zip(history.answers[CATEGORIES], history.snapshots, strict=True):
        found = history.read("SELECT * FROM dwh.fact_crypto_category WHERE snapshot_timestamp = %(at)s", at=snapshot)
        by_id = {row["category_id"]: row for row in found}
        assert len(found) == len(by_id) == len(answer)
        for record in answer:
            assert_row(by_id[record["id"]], category_fact(record, snapshot))


def test_every_category_is_described_as_it_was_sent_and_remembers_its_former_name(history: History) -> None:
    versions = versions_of(history)
    current = {row["category_id"]: row for row in history.read("SELECT * FROM dwh.dim_crypto_category")}
    assert set(current) == set(versions)
    former = {row["category_id"]: row for row in history.read("SELECT * FROM dwh.dim_crypto_category_history")}
    assert set(former) == {category for category, seen in versions.items() if len(seen) > 1}
    for category, seen in versions.items():
        since, attributes = seen[-1]
        assert_row(current[category], {"snapshot_timestamp": since, "is_inferred": False, **attributes})
        if len(seen) > 1:
            valid_from, attributes = seen[0]
            assert_row(former[category], {"valid_from": valid_from, "valid_to": since, **attributes})


def versions_of(history: History) -> dict[str, list[tuple[datetime, Row]]]:
    """Return every category's descriptions, each with the first snapshot that showed it."""
    versions: dict[str, list[tuple[datetime, Row]]] = {}
    for answer, snapshot in zip(history.answers[CATEGORIES], history.snapshots, strict=True):
        for record in answer:
            seen = versions.setdefault(record["id"], [])
            attributes = category_attributes(record)
            if not seen or seen[-1][1] != attributes:
                seen.append((snapshot, attributes))
    return versions


def test_the_market_has_renamed_gone_and_new_categories(history: History) -> None:
    """The comparison above would prove little without them."""
    first, second = ({record["id"] for record in answer} for answer in history.answers[CATEGORIES])
    assert first - second
    assert second - first
    assert any(len(seen) > 1 for seen in versions_of(history).values())


def test_every_total_of_the_market_is_the_one_that_was_sent(history: History) -> None:
    found = history.read("SELECT * FROM dwh.fact_global_market ORDER BY snapshot_timestamp")
    answers = history.answers[GLOBAL]
    for row, data, snapshot in zip(found, answers, history.snapshots, strict=True):
        expected = global_fact(data, snapshot)
        assert set(row) - {"load_batch_id"} == set(expected)
        assert_row(row, expected)


def test_the_sentiment_is_the_one_that_was_sent(history: History) -> None:
    found = history.read("SELECT * FROM dwh.fact_market_sentiment ORDER BY snapshot_timestamp")
    for row, data, snapshot in zip(found, history.answers[SENTIMENT], history.snapshots, strict=True):
        expected = sentiment_fact(data, snapshot)
        assert set(row) - {"load_batch_id"} == set(expected)
        assert_row(row, expected)


def test_no_scale_is_too_large_or_too_small(history: History) -> None:
    """The extremes that overflow or vanish in narrower types were sent, and are there."""
    (extremes,) = history.read(
        "SELECT max(market_cap) AS cap, min(volume) FILTER (WHERE volume > 0) AS volume,"
        " max(avg_price_change) AS change, max(volume_change) AS volume_change FROM dwh.fact_crypto_category"
    )
    sent = [record for answer in history.answers[CATEGORIES] for record in answer]
    assert extremes["cap"] == max(record["market_cap"] or 0 for record in sent) > 6e26
    assert extremes["volume"] == min(record["volume"] for record in sent if record["volume"]) < 2e-9
    assert extremes["change"] == max(record["avg_price_change"] or 0 for record in sent) > 3e16
    assert extremes["volume_change"] == max(record["volume_change"] or 0 for record in sent) > 5e6


def test_zero_stays_zero_and_null_stays_null(history: History) -> None:
    sent = [record for answer in history.answers[CATEGORIES] for record in answer]
    for field in ("market_cap", "volume", "volume_change", "avg_price_change"):
        (found,) = history.read(
            f"SELECT count(*) FILTER (WHERE {field} = 0) AS zeros, count(*) FILTER (WHERE {field} IS NULL) AS nulls"
            " FROM dwh.fact_crypto_category"
        )
        zeros, nulls = sum(r[field] == 0 for r in sent), sum(r[field] is None for r in sent)
        assert (found["zeros"], found["nulls"]) == (zeros, nulls)
        assert zeros
        assert nulls


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_arrives_unchanged(history: History, name: str) -> None:
    sent = {record["name"] for answer in history.answers[CATEGORIES] for record in answer}
    (sent_as,) = sent & {name, f"{name} & Friends"}  # this market renames some of its categories
    found = history.read(
        "SELECT name FROM dwh.dim_crypto_category WHERE name = %(name)s"
        " UNION SELECT name FROM dwh.dim_crypto_category_history WHERE name = %(name)s",
        name=sent_as.strip(BLANKS),
    )
    assert found == [{"name": text(sent_as)}]


def test_times_are_utc_whatever_zone_process_server_and_reader_live_in(history: History) -> None:
    for run, snapshot in zip(history.runs, history.snapshots, strict=True):
        assert parse_iso(run["started_at"]).replace(microsecond=0) <= snapshot <= parse_iso(run["ended_at"])
    zones = history.read(
        "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema IN ('dwh', 'ops') AND data_type LIKE 'timestamp%'"
    )
    assert {row["data_type"] for row in zones} == {"timestamp with time zone"}
    (clock,) = history.read("SELECT min(started_at) AS first, max(ended_at) AS last FROM ops.load_batch")
    assert parse_iso(history.runs[0]["started_at"]) < clock["first"] < clock["last"]
    assert clock["last"] < parse_iso(history.runs[-1]["ended_at"])


def test_rows_in_of_every_load_are_the_records_that_were_sent(history: History) -> None:
    for number, run in enumerate(history.runs):
        for unit in (unit for unit in run["units"] if unit["phase"] != "quality"):
            endpoint = unit["name"] if unit["phase"] == "extract" else TABLES[unit["name"]].endpoint
            answer = history.answers[endpoint][number]
            assert unit["rows_in"] == (len(answer) if isinstance(answer, list) else 1), unit


def test_rows_add_up_alike_in_the_journal_in_the_database_and_in_json(history: History) -> None:
    for table in tables_of("10x"):
        batches = history.read(
            "SELECT * FROM ops.load_batch WHERE table_name = %(table)s ORDER BY load_batch_id", table=table
        )
        journal = lines_of(history.home / "metadata" / "load" / f"{table}.jsonl")
        units = [
            unit for run in history.runs for unit in run["units"] if unit["phase"] == "load" and unit["name"] == table
        ]
        assert len(batches) == len(journal) == len(units) == len(history.runs)
        for batch, line, unit, run in zip(batches, journal, units, history.runs, strict=True):
            assert batch["run_id"] == line["run_id"] == run["run_id"]
            assert batch["load_batch_id"] == line["load_batch_id"]
            assert batch["snapshots"] == [parse_iso(moment) for moment in unit["snapshots"]]
            assert line["snapshots"] == unit["snapshots"]
            for counts in (batch, line, unit):
                assert counts["rows_in"] == counts["rows_loaded"] + counts["rows_present"] + counts["rows_quarantined"]
            for name in ("rows_in", "rows_loaded", "rows_present", "rows_quarantined"):
                assert batch[name] == line[name] == unit[name]


def test_every_row_names_the_load_that_brought_it(history: History) -> None:
    for table in tables_of("10x"):
        found = history.read(f"SELECT load_batch_id FROM dwh.{table}")
        history_rows = history.read(f"SELECT load_batch_id FROM dwh.{table}_history") if "dim_" in table else []
        batches = history.read(
            "SELECT load_batch_id, rows_loaded FROM ops.load_batch WHERE table_name = %(table)s", table=table
        )
        brought = Counter(row["load_batch_id"] for row in [*found, *history_rows])
        assert brought == {row["load_batch_id"]: row["rows_loaded"] for row in batches}
