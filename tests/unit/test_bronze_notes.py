"""Notes of Bronze files through the years: older ones are read, others named, and none is an internal error."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.errors import DamagedFileError, UnreadableFileError
from cryptoelt.lake.bronze import COMMON_FIELDS, Bronze
from cryptoelt.lake.bronze_note import NOTE_FORMAT, BronzeNote
from cryptoelt.lake.scan_note import ScanNote
from cryptoelt.lake.store import LocalStore
from tests.support.footers import change_note, note_in, write_note
from tests.support.permissions import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

AT = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)
ASSETS = "exchange/assets"
NOTE = BronzeNote(
    clean=True,
    window=AT,
    is_last=False,
    scan=ScanNote(
        AT, ("1", "2"), 3, ("1", "2", "3"), ("2",), 4, ("3",), is_init=True, credits=5, num_tokens=6, listed=7
    ),
    call_id="a call",
)
WRONG: dict[str, Any] = {"a text": "x", "a number": -1.5, "an object": {"a": 1}, "a list": [1], "true": True}
#: The types that each key may have; every other is wrong.
MAY_BE = {
    "format": (), "clean": ("true",), "window": (), "is_last": ("true",), "scan": (), "call_id": ("a text",),
    "began": (), "answered": (), "size": (), "planned": (), "refused": (), "postponed": (), "left": (),
    "is_init": ("true",), "credits": (), "num_tokens": (), "listed": (), "unusable": ("a text",), "asked": (),
    "rules": (),
}  # fmt: skip
KEYS: list[tuple[str | None, str]] = [(None, key) for key in json.loads(NOTE.as_metadata()["cryptoelt"])]
KEYS += [("scan", key) for key in json.loads(NOTE.as_metadata()["cryptoelt"])["scan"]]
#: Without these a note says nothing that a resumed scan could go on with.
NEEDED = {"began", "answered"}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def write(lake: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    """Write a file whose note is then changed."""

    def written(change: Callable[[dict[str, Any]], object]) -> Path:
        import pyarrow as pa

        row = {"snapshot_timestamp": AT, "call_id": "a call", "record_number": 0, "raw": "{}"}
        file = Bronze(LocalStore(lake)).write(
            ASSETS, AT, pa.Table.from_pylist([row], pa.schema(COMMON_FIELDS)), NOTE, 1
        )
        change_note(lake / file.path, change)
        return lake / file.path

    return written


def note_of(lake: Path) -> BronzeNote:
    bronze = Bronze(LocalStore(lake))
    return bronze.footer(bronze.files(ASSETS)[0]).note


def test_a_note_is_read_as_it_was_written_and_says_its_format(lake: Path, write: Callable[..., Path]) -> None:
    path = write(lambda _: None)
    assert note_of(lake) == NOTE
    assert note_in(path)["format"] == NOTE_FORMAT


@pytest.mark.parametrize(("within", "key"), KEYS)
@pytest.mark.parametrize("how", ["removed", "null"])
def test_what_a_note_lacks_is_as_older_versions_meant_it(
    lake: Path, write: Callable[..., Path], within: str | None, key: str, how: str
) -> None:
    def lacking(note: dict[str, Any]) -> None:
        part = note if within is None else note[within]
        if how == "removed":
            del part[key]
        else:
            part[key] = None

    path = write(lacking)
    if key in NEEDED:
        with pytest.raises(DamagedFileError, match=f"it has no {key}") as caught:
            note_of(lake)
        assert str(path) in caught.value.message
        return
    found = note_of(lake)
    if key == "format":
        assert found == NOTE
    elif key == "rules":
        assert found == replace(NOTE, clean=False)  # judged by fewer rules, so it is looked at again
    elif within is None:
        assert getattr(found, key) == {"clean": False, "is_last": True, "unusable": ""}.get(key)
    else:
        # A size that is not said is that of the plan.
        default = {"refused": (), "postponed": 0, "is_init": False, "credits": 0, "asked": ()}
        assert getattr(found.scan, key) == default.get(key)


@pytest.mark.parametrize(("within", "key"), KEYS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_value_of_another_type_makes_the_file_a_damaged_one_that_is_named(
    lake: Path, write: Callable[..., Path], within: str | None, key: str, wrong: str
) -> None:
    def other(note: dict[str, Any]) -> None:
        (note if within is None else note[within])[key] = WRONG[wrong]

    path = write(other)
    if wrong in MAY_BE[key]:
        note_of(lake)
        return
    with pytest.raises(DamagedFileError) as caught:
        note_of(lake)
    assert str(path) in caught.value.message
    assert "take the file out of the lake" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "{}\x00"])
def test_a_note_that_is_none_is_a_damaged_file(lake: Path, write: Callable[..., Path], text: str) -> None:
    write_note(write(lambda _: None), text)
    with pytest.raises(DamagedFileError):
        note_of(lake)


def test_a_note_of_a_newer_format_is_named_as_such(lake: Path, write: Callable[..., Path]) -> None:
    path = write(lambda note: note.update(format=99, scan={"in": "another way"}))
    with pytest.raises(DamagedFileError, match="of format 99, made by a newer cryptoelt") as caught:
        note_of(lake)
    assert caught.value.context == {"file": str(path)}
    assert "use the version that wrote it" in caught.value.hint


def test_a_scan_without_its_plan_or_its_size_cannot_be_gone_on_with(lake: Path, write: Callable[..., Path]) -> None:
    write(lambda note: [note["scan"].pop(key) for key in ("planned", "size")])
    with pytest.raises(DamagedFileError, match="whom the scan set out to ask"):
        note_of(lake)


def test_a_file_that_may_not_be_read_is_not_called_damaged(lake: Path, write: Callable[..., Path]) -> None:
    with unreadable(write(lambda _: None)), pytest.raises(UnreadableFileError, match="Permission denied") as caught:
        note_of(lake)
    assert caught.value.hint == "check its owner"
