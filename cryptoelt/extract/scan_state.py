"""What a scan has asked so far, read from the footers of its own Bronze files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import FUTURE, iso, parse_iso
from cryptoelt.errors import DamagedFileError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
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
        postponed: how many ids were left for another day, to keep credits for what cannot wait.
        window: the start of the window it serves; None where it was started by hand.
        left: those of the planned ids that are among the postponed.
        is_init: whether it asks everyone once, outside of every share.
    """

    began: datetime
    planned: tuple[str, ...]
    answered: frozenset[str] = frozenset()
    postponed: int = 0
    window: datetime | None = None
    left: frozenset[str] = frozenset()
    is_init: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids still to be asked."""
        return tuple(id_ for id_ in self.planned if id_ not in self.answered and id_ not in self.left)

    def without(self, ids: tuple[str, ...]) -> Scan:
        """Return the scan with these ids left for another day."""
        return replace(self, left=self.left | set(ids), postponed=self.postponed + len(ids))

    def as_note(self, answered: tuple[str, ...], refused: tuple[str, ...] = (), **about: Any) -> dict[str, Any]:
        """Return what the footer of a file says that answers some of the ids, and what else is said `about` it."""
        return {
            **about,
            "began": iso(self.began),
            "planned": list(self.planned),
            "answered": list(answered),
            "refused": list(refused),
            "postponed": self.postponed,
            "left": sorted(self.left),
            "is_init": self.is_init,
        }


def scan_of_window(bronze: Bronze, endpoint: str, window: Window) -> Scan | None:
    """Return the scan that serves a window; None where it has not begun."""
    scans = [scan for scan in _scans(bronze, endpoint, window.start, window.end) if scan.window == window.start]
    return scans[-1] if scans else None


def scan_of_day(bronze: Bronze, endpoint: str, now: datetime) -> Scan | None:
    """Return the newest scan that began on this UTC day; None where there is none."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    # An init goes on for days; of one that began before, the answers of today are not all there are.
    scans = [scan for scan in _scans(bronze, endpoint, midnight) if scan.began >= midnight]
    return scans[-1] if scans else None


@dataclass(frozen=True)
class Asked:
    """One answer of an earlier scan.

    Attributes:
        ids: whom it answers; those that the API refused have no answer.
        snapshot: when.
        rows: its records.
        about: what else its footer says.
    """

    ids: tuple[str, ...]
    snapshot: datetime
    rows: int
    about: dict[str, Any]


def asked_since(bronze: Bronze, endpoint: str, since: datetime) -> Iterator[Asked]:
    """Yield the answers that scans brought since a moment, newest first; a file that cannot be read is none.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    for file in reversed(bronze.files(endpoint, after=since - _SECOND)):
        try:
            footer = bronze.footer(file)
        except DamagedFileError:
            continue  # whom it answered is asked again
        scan = footer.note.scan
        if scan is not None:
            ids = tuple(id_ for id_ in scan["answered"] if id_ not in scan["refused"])
            yield Asked(ids, file.snapshot, footer.rows, scan)


def last_asked(bronze: Bronze, endpoint: str, ids: Collection[str], span: timedelta) -> dict[str, Asked]:
    """Return the newest answer for each of these ids that was asked in a span of time before the newest scan.

    The span counts back from the last scan, not from now: a machine that stood still for long forgets nobody. No
    further back than needed is looked.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    newest = bronze.last_snapshot(endpoint)
    found: dict[str, Asked] = {}
    wanted = set(ids)
    if newest is None:
        return found
    for asked in asked_since(bronze, endpoint, newest - span):
        if not wanted:
            break
        found.update(dict.fromkeys(wanted.intersection(asked.ids), asked))
        wanted.difference_update(asked.ids)
    return found


def _scans(bronze: Bronze, endpoint: str, since: datetime, until: datetime | None = None) -> list[Scan]:
    """Return the scans of which Bronze has an answer in a span of time, in the order in which they began."""
    found: dict[str, Scan] = {}
    for file in bronze.files(endpoint, after=since - _SECOND):
        if until is not None and file.snapshot > until + FUTURE:
            break
        try:
            note = bronze.footer(file).note
        except DamagedFileError:
            continue  # whom it answered is asked again
        if note.scan is None:
            continue
        said, known = note.scan, found.get(note.scan["began"])
        answered = frozenset(said["answered"])
        found[said["began"]] = Scan(
            parse_iso(said["began"]),
            tuple(said["planned"]),
            answered | known.answered if known else answered,
            int(said["postponed"]),
            note.window,
            frozenset(said["left"]),
            bool(said["is_init"]),
        )
    return [found[began] for began in sorted(found)]
