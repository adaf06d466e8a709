"""Journals, the ledger and notes through the years: older ones are read, newer ones named, nothing is guessed."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.api.call_journal import CallJournal
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.api.minute import times_in
from cryptoelt.clock import Clock, iso
from cryptoelt.errors import ConfigurationError, CryptoEltError, StorageError
from cryptoelt.frequencies import Window
from cryptoelt.metadata.jsonl import is_there, read_lines, read_newest_first
from cryptoelt.metadata.rebuilds import RebuildJournal
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.init_window import InitWindow
from cryptoelt.pipeline.windows import WindowLog
from cryptoelt.settings import BudgetSettings
from tests.support.permissions import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
#: Values that no key of a record may have all of.
WRONG = ["x", 7, -1, 1.5, True, [1], {"a": 1}, [[]]]


class AtNoon(Clock):
    def now(self) -> datetime:
        return NOON


def broken(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a record with each of its keys removed, null, and of each wrong type."""
    for key in record:
        yield {name: value for name, value in record.items() if name != key}
        for value in [None, *WRONG]:
            yield {**record, key: value}


def write(path: Path, *records: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))


# --- journals ---------------------------------------------------------------------------------------------------------


def test_a_line_of_a_newer_format_is_passed_over_and_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.jsonl"
    lines = (
        {"n": 1},
        {"format": 99, "n": [2]},
        {"format": 1, "n": 3},
        {"format": "x", "n": 4},
        {"format": None, "n": 5},
    )
    write(path, *lines)

    with caplog.at_level(logging.WARNING, logger="cryptoelt"):
        assert [line["n"] for line in read_lines(path)] == [1, 3, 5]
        assert [line["n"] for line in read_newest_first(path)] == [5, 3, 1]
        list(read_lines(path))
    (told,) = [vars(record)["told"] for record in caplog.records]
    assert told.startswith(f"warning: {path}: line 2 is passed over: it is of format 99, made by a newer cryptoelt")


RUN = {
    "run_id": "r", "frequency": "10x", "window_start": iso(NOON), "is_due": True, "started_at": iso(NOON),
    "ended_at": iso(NOON), "status": "done", "exit_code": 0, "credits": 5, "postponed": {}, "is_answered": True,
    "is_complete": True, "warehouse": "here",
}  # fmt: skip


def test_whatever_a_line_of_the_journal_of_runs_lacks_it_is_read_or_passed_over(tmp_path: Path) -> None:
    window, journal = Window("10x", NOON, NOON + timedelta(hours=1)), RunJournal(tmp_path)
    for line in broken({**RUN, "format": 1}):
        write(tmp_path / "runs" / "2026-11.jsonl", line)
        assert WindowLog(journal, "here").is_done(window, NOON) in {True, False}
        for found in journal.since(NOON, NOON):
            datetime.fromisoformat(found["window_start"])
            assert isinstance(found.get("postponed", {}), dict)
            assert isinstance(found.get("ended_at", "never"), str)
    write(tmp_path / "runs" / "2026-11.jsonl", {**RUN, "format": 99}, RUN)
    assert list(journal.since(NOON, NOON)) == [RUN]
    assert next(journal.newest_first("10x")) == RUN


def test_whatever_a_line_of_the_journal_of_rebuilds_lacks_the_others_are_one_rebuild(tmp_path: Path) -> None:
    order, journal = {"tables": ["a"]}, RebuildJournal(tmp_path)
    whole = {"format": 1, "event": "begun", "run_id": "one", "order": order, "at": iso(NOON)}
    for line in broken(whole):
        write(tmp_path / "backfill.jsonl", whole, line)
        assert journal.begin(order, "two", NOON)[:1] == ["one"]


def test_whatever_a_line_of_the_journal_of_calls_lacks_others_are_found(tmp_path: Path) -> None:
    whole = {"format": 1, "requested_at": iso(NOON), "call_id": "20261123T120000Z-a", "endpoint": "x"}
    for line in broken({**whole, "call_id": "20261123T120000Z-b"}):
        write(tmp_path / "calls" / "2026-11.jsonl", whole, line)
        found = CallJournal(tmp_path).find("20261123T120000Z-a")
        assert found is not None
        assert found["endpoint"] == "x"


def test_a_folder_of_runs_that_may_not_be_listed_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    RunJournal(tmp_path).append(NOON, RUN)
    with unreadable(tmp_path / "runs"), pytest.raises(StorageError, match="Permission denied"):
        next(RunJournal(tmp_path).newest_first("10x"))


# --- the ledger -------------------------------------------------------------------------------------------------------

RESERVE = {"format": 1, "event": "reserve", "at": iso(NOON), "call_id": "one", "endpoint": "a", "credits": 10}
SETTLE = {"format": 1, "event": "settle", "at": iso(NOON), "call_id": "one", "endpoint": "a", "credits": 9}
RECONCILE = {"format": 1, "event": "reconcile", "at": iso(NOON), "provider_used": 9, "provider_left": 100,
             "settled": {"one": 9}, "external": 0}  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> CreditLedger:
    return CreditLedger(tmp_path, BudgetSettings(), AtNoon())


def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "credits" / "2026-11.jsonl"


def test_events_without_a_format_are_read_and_new_ones_have_one(tmp_path: Path, ledger: CreditLedger) -> None:
    write(ledger_file(tmp_path), *({**event, "format": None} for event in (RESERVE, SETTLE)))
    ledger.reserve("a", 1, "two")
    assert (ledger.state().charged, ledger.state().reserved) == (9, 1)
    assert json.loads(ledger_file(tmp_path).read_text().splitlines()[-1])["format"] == 1


def test_an_event_of_a_newer_format_stops_spending_and_names_file_and_line(
    tmp_path: Path, ledger: CreditLedger
) -> None:
    write(ledger_file(tmp_path), RESERVE, {"format": 99, "event": "settle", "sum": 4}, SETTLE)
    for attempt in (ledger.state, lambda: ledger.require("a", 1), lambda: ledger.reserve("a", 1, "two")):
        with pytest.raises(ConfigurationError, match=r"2026-11\.jsonl: line 2 .* made by a newer cryptoelt") as caught:
            attempt()
        assert "no call is made" in caught.value.hint
    assert len(ledger_file(tmp_path).read_text().splitlines()) == 3


def test_whatever_an_event_lacks_it_counts_in_full_or_stops_spending(tmp_path: Path) -> None:
    for events in ([RESERVE], [RESERVE, SETTLE], [RESERVE, RECONCILE]):
        *before, last = events
        for event in broken(last):
            write(ledger_file(tmp_path), *before, event)
            ledger = CreditLedger(tmp_path, BudgetSettings(), AtNoon())
            try:
                state = ledger.state()
            except CryptoEltError as exc:
                assert f"line {len(events)}" in exc.message
                continue
            assert state.charged + state.reserved >= 1, event


def test_a_ledger_that_cannot_be_looked_at_is_not_an_empty_one(tmp_path: Path, ledger: CreditLedger) -> None:
    ledger.reserve("a", 1, "one")
    with unreadable(tmp_path / "credits"), pytest.raises(StorageError, match="Permission denied"):
        ledger.state()


# --- notes ------------------------------------------------------------------------------------------------------------

INIT = {"format": 1, "started_at": iso(NOON), "finished_at": None}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"started_at": "2026-11-23T12:00:00Z", "finished_at": 7}',
     '{"started_at": 7, "finished_at": null}', '{"format": 99, "started_at": "2026-11-23T12:00:00Z"}'],
)  # fmt: skip
def test_an_init_note_that_cannot_be_read_begins_no_init_and_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "init.json"
    path.write_text(content)
    for look in (InitWindow(tmp_path).unfinished, InitWindow(tmp_path).begin):
        with pytest.raises(StorageError) as caught:
            look(NOON)
        assert str(path) in caught.value.message
        assert "no call is made" in caught.value.hint
    assert path.read_text() == content


def test_whatever_an_init_note_lacks_no_other_init_begins(tmp_path: Path) -> None:
    for note in broken(INIT):
        (tmp_path / "init.json").write_text(json.dumps(note))
        try:
            started = InitWindow(tmp_path).begin(NOON + timedelta(days=1)).start
        except StorageError:
            continue
        assert started == NOON, note


def test_an_init_note_of_somebody_else_begins_no_init(tmp_path: Path) -> None:
    InitWindow(tmp_path).begin(NOON)
    with unreadable(tmp_path / "init.json"), pytest.raises(StorageError, match="Permission denied"):
        InitWindow(tmp_path).begin(NOON + timedelta(days=1))
    assert InitWindow(tmp_path).begin(NOON + timedelta(days=1)).start == NOON


@pytest.mark.parametrize("text", [b"[1.5, 2]", b'{"requests": [1.5, 2]}', b'{"format": 1, "requests": [1.5, 2]}'])
def test_the_times_of_requests_are_read_in_any_form_they_had(text: bytes) -> None:
    assert times_in(text) == [1.5, 2.0]


def test_only_what_is_not_there_is_not_there(tmp_path: Path) -> None:
    inside = tmp_path / "folder" / "file"
    assert not is_there(inside)
    inside.parent.mkdir()
    inside.touch()
    assert is_there(inside)
    with unreadable(inside.parent), pytest.raises(StorageError, match="Permission denied"):
        is_there(inside)
