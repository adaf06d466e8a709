"""Scans over footers that are damaged, older or newer: nobody is paid for again and again, and no run ends for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from cryptoelt.errors import BudgetError, UnreadableFileError
from cryptoelt.frequencies import Window
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ExtractSettings
from tests.support.extracting import Extracting
from tests.support.footers import change_note, note_in, write_note
from tests.support.permissions import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T08:20:00Z"
EXCHANGES, ASSETS = "exchange/map", "exchange/assets"


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    """A small market of 14 exchanges, each of which an init has asked."""
    with SandboxServer(seed=7, world="small", start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        extracting = Extracting(tmp_path, server, {"extract": ExtractSettings(rotation_days=4)})
        extracting(EXCHANGES)
        extracting.init(ASSETS)
        extracting.next_weekday()
        yield extracting


@pytest.fixture
def daily(extract: Extracting) -> Window:
    return Window("daily", extract.clock.now(), extract.clock.now() + timedelta(hours=12))


def parts(extract: Extracting) -> list[Path]:
    """Return the files of the newest snapshot."""
    return [extract.home / "lake" / file.path for file in extract.bronze.snapshots(ASSETS)[-1].files]


#: How a footer may come to be one that a version does not understand.
CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "newer format": lambda note: note.update(format=99),
    "no beginning": lambda note: note["scan"].pop("began"),
    "nobody answered": lambda note: note["scan"].update(answered=None),
    "a scan of another kind": lambda note: note.update(scan=["1"]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whom_a_part_answers_that_is_not_understood_is_asked_once_more_and_never_again(
    extract: Extracting, daily: Window, change: Callable[[dict[str, Any]], object]
) -> None:
    first = extract(ASSETS, window=daily)
    change_note(parts(extract)[1], change)

    assert extract(ASSETS, window=daily).ids == [first.ids[1]]
    assert extract(ASSETS, window=daily).calls == []
    extract.next_weekday()
    assert extract(ASSETS).error is None


def test_a_footer_of_an_older_version_that_lacks_a_key_costs_nothing(extract: Extracting, daily: Window) -> None:
    first = extract(ASSETS, window=daily)
    for key in ("is_init", "postponed", "refused", "credits"):
        change_note(parts(extract)[1], lambda note, key=key: note["scan"].pop(key))  # type: ignore[misc]

    again = extract(ASSETS, window=daily)
    assert (first.error, again.error, again.calls) == (None, None, [])


def as_unnumbered(note: dict[str, Any], planned: list[str]) -> None:
    """Make a note what it was before formats had numbers: without one, and with the whole plan."""
    del note["format"], note["scan"]["size"]
    note["scan"] |= {"planned": planned, "left": note["scan"].get("left", [])}


def test_a_scan_whose_files_are_of_the_older_format_is_gone_on_with(extract: Extracting, daily: Window) -> None:
    extract.sandbox.add_fault("http_429_1010", endpoint=ASSETS, skip=3, times=1)
    first = extract(ASSETS, window=daily)
    assert isinstance(first.error, BudgetError)
    planned = note_in(parts(extract)[0])["scan"]["planned"]
    for path in parts(extract):
        change_note(path, lambda note: as_unnumbered(note, planned))

    again = extract(ASSETS, window=daily)
    assert first.ids[:3] + again.ids == planned
    assert extract(ASSETS, window=daily).calls == []


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_the_plan_of_a_scan_stands_in_the_first_part_of_each_run_alone(extract: Extracting, daily: Window) -> None:
    extract.sandbox.add_fault("http_429_1010", endpoint=ASSETS, skip=3, times=1)
    for _ in range(2):
        extract(ASSETS, window=daily)
        said = [note_in(path)["scan"] for path in parts(extract)]
        assert ["planned" in scan for scan in said] == [True] + [False] * (len(said) - 1)
        assert {scan["size"] for scan in said} == {len(said[0]["planned"])}


@pytest.mark.parametrize("text", ["{", '{"format": 99}'])
def test_a_scan_whose_plan_is_lost_asks_nobody_again_and_no_more_than_it_had_planned(
    extract: Extracting, daily: Window, text: str
) -> None:
    extract.sandbox.add_fault("http_429_1010", endpoint=ASSETS, skip=4, times=1)
    first = extract(ASSETS, window=daily)
    size = note_in(parts(extract)[0])["scan"]["size"]
    write_note(parts(extract)[0], text)

    again = extract(ASSETS, window=daily)
    assert not set(again.ids) & set(first.ids[1:4]), "an answer that is there"
    assert len(again.ids) == size - 3
    assert extract(ASSETS, window=daily).calls == []


def test_a_finished_scan_whose_plan_is_lost_asks_for_the_one_answer_that_is_lost_with_it(
    extract: Extracting, daily: Window
) -> None:
    first = extract(ASSETS, window=daily)
    write_note(parts(extract)[0], "{")

    assert len(extract(ASSETS, window=daily).ids) == 1
    assert extract(ASSETS, window=daily).calls == []
    assert len(first.ids) == 8


def test_the_footers_of_a_scan_grow_with_its_answers_and_not_with_their_square(extract: Extracting) -> None:
    extract(ASSETS)
    first, *others = (pq.read_schema(path).metadata[b"cryptoelt"] for path in parts(extract))
    assert len(others) == 7
    assert max(map(len, others)) < 300
    assert len(first) < 400


# --- files of somebody else -------------------------------------------------------------------------------------------


def test_who_may_not_read_an_earlier_answer_asks_nobody_and_names_the_file(extract: Extracting, daily: Window) -> None:
    path = parts(extract)[2]
    with unreadable(path):
        ran = extract(ASSETS, window=daily)
        assert isinstance(ran.error, UnreadableFileError)
        assert str(path) in ran.error.message
        assert ran.calls == []
    assert extract(ASSETS, window=daily).error is None
