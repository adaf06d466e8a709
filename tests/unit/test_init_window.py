"""The window of an init: one until it is finished, and never lost by a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.frequencies import Window
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.init_window import InitWindow
from cryptoelt.pipeline.windows import WindowLog

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
LATER = NOON + timedelta(days=2)


def test_an_init_that_was_cut_short_goes_on_with_its_window(tmp_path: Path) -> None:
    first = InitWindow(tmp_path).begin(NOON)
    assert first == Window("init", NOON)
    assert InitWindow(tmp_path).begin(LATER) == first


def test_after_it_is_finished_the_next_one_begins_anew(tmp_path: Path) -> None:
    window = InitWindow(tmp_path)
    window.finish(window.begin(NOON), NOON + timedelta(hours=1))
    assert window.begin(LATER).start == LATER


def line(window: str, *, is_complete: bool = True, warehouse: str = "embedded") -> dict[str, object]:
    return {"frequency": "10x", "window_start": window, "is_complete": is_complete, "warehouse": warehouse}


@pytest.mark.parametrize(
    ("written", "done"),
    [
        (line("2026-11-30T18:30:00Z"), True),
        (line("2026-11-30T18:30:00Z", is_complete=False), False),
        (line("2026-11-30T18:30:00Z", warehouse="db.example.com:5432/market"), False),
        (line("2026-11-30T17:30:00Z"), False),
        (line("2026-11-30T18:30:00Z") | {"frequency": "5x"}, False),
    ],
)
def test_a_window_is_done_by_a_run_that_completed_it_for_this_warehouse(
    tmp_path: Path, written: dict[str, object], done: bool
) -> None:
    """The run may have begun in the month after the window opened."""
    window = Window("10x", datetime(2026, 11, 30, 18, 30, tzinfo=UTC), datetime(2026, 12, 1, 1, tzinfo=UTC))
    now = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
    journal = RunJournal(tmp_path)
    journal.append(now, written)
    assert WindowLog(journal, "embedded").is_done(window, now) is done


def test_an_init_that_began_in_the_future_is_none_to_go_on_with(tmp_path: Path) -> None:
    """No answer of today can carry its start, so each run would pay for all of it again."""
    window = InitWindow(tmp_path)
    window.begin(NOON + timedelta(days=371))
    assert window.unfinished(NOON) is None
    assert window.begin(NOON).start == NOON
    assert window.unfinished(NOON - timedelta(minutes=9)) is not None


def test_the_last_run_of_a_frequency_is_found_however_old_it_is(tmp_path: Path) -> None:
    journal = RunJournal(tmp_path)
    for month, frequency in ((9, "5x"), (10, "10x"), (11, "10x")):
        journal.append(datetime(2026, month, 2, tzinfo=UTC), {"frequency": frequency, "month": month})
    assert [line["month"] for line in journal.newest_first("10x")] == [11, 10]
    assert next(journal.newest_first("5x")) == {"frequency": "5x", "month": 9}
    assert list(journal.newest_first("weekly")) == []
