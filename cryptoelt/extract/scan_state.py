"""What a scan has asked so far, read from the footers of its own Bronze files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso, parse_iso
from cryptoelt.errors import DamagedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptoelt.frequencies import Window
    from cryptoelt.lake.bronze import Bronze

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Scan:
    """A scan of many calls, perhaps over several runs.

    Attributes:
        began: the snapshot of its first run.
        planned: the ids it set out to ask, in order.
        answered: those whose answer is in Bronze, or that the API has refused.
        postponed: how many ids were left for another day when it was planned, to keep credits for what cannot wait.
        window: the start of the window it serves; None where it was started by hand.
    """

    began: datetime
    planned: tuple[str, ...]
    answered: frozenset[str] = frozenset()
    postponed: int = 0
    window: datetime | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids still to be asked."""
        return tuple(id_ for id_ in self.planned if id_ not in self.answered)

    def as_note(self, answered: tuple[str, ...], refused: tuple[str, ...] = (), **about: Any) -> dict[str, Any]:
        """Return what the footer of a file says that answers some of the ids, and what else is said `about` it."""
        return {
            **about,
            "began": iso(self.began),
            "planned": list(self.planned),
            "answered": list(answered),
            "refused": list(refused),
            "postponed": self.postponed,
        }


def scan_of_window(bronze: Bronze, endpoint: str, window: Window) -> Scan | None:
    """Return the scan that serves a window; None where it has not begun."""
    scans = [scan for scan in _scans(bronze, endpoint, window.start, window.end) if scan.window == window.start]
    return scans[-1] if scans else None


def scan_of_day(bronze: Bronze, endpoint: str, now: datetime) -> Scan | None:
    """Return the newest scan that began on this UTC day; None where there is none."""
    scans = _scans(bronze, endpoint, now.replace(hour=0, minute=0, second=0, microsecond=0))
    return scans[-1] if scans else None


@dataclass(frozen=True)
class Asked:
    """One answer of an earlier scan.

    Attributes:
        ids: whom it answers.
        snapshot: when.
        rows: its records.
        about: what else its footer says.
    """

    ids: tuple[str, ...]
    snapshot: datetime
    rows: int
    about: dict[str, Any]


def asked_since(bronze: Bronze, endpoint: str, since: datetime) -> Iterator[Asked]:
    """Yield the answers that scans brought since a moment, oldest first; a file that cannot be read is none.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    for file in bronze.files(endpoint, after=since - _SECOND):
        try:
            footer = bronze.footer(file)
        except DamagedFileError:
            continue  # whom it answered is asked again
        if footer.note.scan is not None:
            yield Asked(tuple(footer.note.scan["answered"]), file.snapshot, footer.rows, footer.note.scan)


def last_asked(bronze: Bronze, endpoint: str, span: timedelta) -> dict[str, Asked]:
    """Return the newest answer for every id that was asked in a span of time before the newest scan.

    The span counts back from the last scan, not from now: a machine that stood still for long forgets nobody.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    newest = bronze.last_snapshot(endpoint)
    if newest is None:
        return {}
    return {id_: asked for asked in asked_since(bronze, endpoint, newest - span) for id_ in asked.ids}


def _scans(bronze: Bronze, endpoint: str, since: datetime, until: datetime | None = None) -> list[Scan]:
    """Return the scans of which Bronze has an answer in a span of time, in the order in which they began."""
    found: dict[str, Scan] = {}
    for file in bronze.files(endpoint, after=since - _SECOND):
        if until is not None and file.snapshot > until:
            break
        try:
            note = bronze.footer(file).note
        except DamagedFileError:
            continue  # whom it answered is asked again
        if note.scan is None:
            continue
        began = note.scan["began"]
        known = found.get(began)
        answered = frozenset(note.scan["answered"]) | (known.answered if known else frozenset())
        planned, postponed = tuple(note.scan["planned"]), int(note.scan["postponed"])
        found[began] = Scan(parse_iso(began), planned, answered, postponed, note.window)
    return [found[began] for began in sorted(found)]
