"""What a scan has asked so far, read from the footers of its own Bronze files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import FUTURE
from cryptoelt.errors import DamagedFileError, UnreadableFileError
from cryptoelt.lake.scan_note import ScanNote
from cryptoelt.metadata.formats import name_once

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from cryptoelt.frequencies import Window
    from cryptoelt.lake.bronze import Bronze, BronzeFile, BronzeFooter
    from cryptoelt.lake.bronze_note import BronzeNote

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Scan:
    """A scan of many calls, perhaps over several runs.

    Attributes:
        began: the snapshot of its first run.
        planned: the ids it set out to ask, in order; () where `is_plan_lost`.
        answered: those whose answer is in Bronze, or that the API has refused.
        postponed: how many ids were left for another day, to keep credits for what cannot wait.
        window: the start of the window it serves; None where it was started by hand.
        left: those of the planned ids that are among the postponed.
        is_init: whether it asks everyone once, outside of every share.
        size: how many ids it set out to ask.
        is_plan_lost: whether no part that can be read says whom it set out to ask.
    """

    began: datetime
    planned: tuple[str, ...]
    answered: frozenset[str] = frozenset()
    postponed: int = 0
    window: datetime | None = None
    left: frozenset[str] = frozenset()
    is_init: bool = False
    size: int = 0
    is_plan_lost: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids still to be asked."""
        return tuple(id_ for id_ in self.planned if id_ not in self.answered and id_ not in self.left)

    @property
    def is_finished(self) -> bool:
        """Whether nobody is still to be asked, as far as is known."""
        if self.is_plan_lost:
            return len(self.answered | self.left) >= self.size
        return not self.missing

    def without(self, ids: tuple[str, ...]) -> Scan:
        """Return the scan with these ids left for another day."""
        return replace(self, left=self.left | set(ids), postponed=self.postponed + len(ids))

    def planned_anew(self, ids: tuple[str, ...]) -> Scan:
        """Return a scan whose plan is lost with a new one: of these ids no more are asked than it still wanted."""
        wanted = self.size - len(self.answered | self.left)
        fresh = [id_ for id_ in ids if id_ not in self.answered and id_ not in self.left]
        planned = (*sorted(self.answered | self.left), *fresh[: max(0, wanted)])
        return replace(self, planned=planned, is_plan_lost=False)

    def as_note(
        self, answered: tuple[str, ...], refused: tuple[str, ...] = (), *, is_whole: bool = False, **about: Any
    ) -> ScanNote:
        """Return what the footer of a file says that answers some of the ids, and what else is said `about` it.

        Args:
            answered: the ids that are done with it.
            refused: those of them that the API did not take.
            is_whole: whether it says as well whom the scan set out to ask, and who is left: as does the first of a run.
            about: further values of the note.
        """
        note = ScanNote(
            self.began, answered, self.size, refused=refused, postponed=self.postponed, is_init=self.is_init, **about
        )
        return replace(note, planned=self.planned, left=tuple(sorted(self.left))) if is_whole else note

    def with_part(self, note: BronzeNote, said: ScanNote) -> Scan:
        """Return the scan with what one more of its parts says; what that does not say is as it was."""
        planned = self.planned if said.planned is None else said.planned
        return Scan(
            began=self.began,
            planned=planned,
            answered=self.answered | set(said.answered),
            postponed=said.postponed,
            window=note.window,
            left=self.left if said.left is None else frozenset(said.left),
            is_init=said.is_init,
            size=len(planned) if said.size is None else said.size,
            is_plan_lost=self.is_plan_lost and said.planned is None,
        )


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
        about: all that its footer says.
    """

    ids: tuple[str, ...]
    snapshot: datetime
    rows: int
    about: ScanNote


def asked_since(bronze: Bronze, endpoint: str, since: datetime) -> Iterator[Asked]:
    """Yield the answers that scans brought since a moment, newest first; a damaged file is none.

    Raises:
        StorageError: Bronze cannot be listed, or a file belongs to somebody else.
    """
    for file in reversed(bronze.files(endpoint, after=since - _SECOND)):
        footer = _footer(bronze, file)
        scan = None if footer is None else footer.note.scan
        if footer is not None and scan is not None:
            ids = tuple(id_ for id_ in scan.answered if id_ not in scan.refused)
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


def last_turns(
    bronze: Bronze, endpoint: str, ids: Collection[str], span: timedelta, *, exact: timedelta
) -> dict[str, datetime]:
    """Return when each of these ids last had its turn in a span of time before the newest scan.

    Of scans that are no older than `exact` (before the newest) an id had its turn when it was answered; of older ones,
    when it was planned: that is one footer a run instead of one an id.

    Raises:
        StorageError: Bronze cannot be listed, or a file belongs to somebody else.
    """
    newest = bronze.last_snapshot(endpoint)
    found: dict[str, datetime] = {}
    wanted = set(ids)
    if newest is None:
        return found
    for run in reversed(bronze.snapshots(endpoint, after=newest - span - _SECOND)):
        if not wanted:
            break
        is_exact = run.snapshot >= newest - exact
        for file in run.files if is_exact else run.files[:1]:
            footer = _footer(bronze, file)
            scan = None if footer is None else footer.note.scan
            if scan is not None:
                had = set(scan.answered).difference(scan.refused)
                had |= set() if is_exact else set(scan.planned or ()).difference(scan.left or ())
                found.update(dict.fromkeys(wanted & had, run.snapshot))
                wanted -= had
    return found


def _scans(bronze: Bronze, endpoint: str, since: datetime, until: datetime | None = None) -> list[Scan]:
    """Return the scans of which Bronze has an answer in a span of time, in the order in which they began."""
    found: dict[datetime, Scan] = {}
    for file in bronze.files(endpoint, after=since - _SECOND):
        if until is not None and file.snapshot > until + FUTURE:
            break
        footer = _footer(bronze, file)
        said = None if footer is None else footer.note.scan
        if footer is not None and said is not None:
            known = found.get(said.began) or Scan(said.began, (), is_plan_lost=True)
            found[said.began] = known.with_part(footer.note, said)
    return [found[began] for began in sorted(found)]


def _footer(bronze: Bronze, file: BronzeFile) -> BronzeFooter | None:
    """Return the footer of a part; None where it is damaged: whom it answered is asked once more, into a new part.

    Raises:
        UnreadableFileError: this user may not read it: nobody is asked again, and paid, for want of a permission.
    """
    try:
        return bronze.footer(file)
    except UnreadableFileError:
        raise
    except DamagedFileError as exc:
        name_once(file.path, exc.message)
        return None
