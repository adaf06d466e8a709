"""What of a Silver table the warehouse lacks.

The Delta log is the queue and `ops.load_batch` the reader's place in it. Where the log no longer reaches back to that
place, or is not the log the place was taken in, the snapshots themselves are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from cryptoelt.lake.silver import SilverCommit

#: How many snapshots of a long catch-up become one transaction.
CHUNK = 100


class Log(Protocol):
    """What is asked of a Silver table."""

    @property
    def version(self) -> int:
        """The newest Delta version."""

    def commits_after(self, version: int) -> list[SilverCommit] | None:
        """Return the commits above a version that added snapshots; None where the log no longer reaches back."""

    def snapshots(self) -> set[datetime]:
        """Return every snapshot the table holds."""


class Loaded(Protocol):
    """What is asked of the warehouse about one table."""

    @property
    def version(self) -> int | None:
        """The newest Delta version known to be loaded; None where none of this Delta table is."""

    @property
    def snapshots_of_version(self) -> Collection[datetime]:
        """The snapshots of the batch that loaded it."""

    def lacks(self, snapshots: Collection[datetime]) -> bool:
        """Tell whether some of these snapshots were never loaded."""

    def snapshots(self) -> set[datetime]:
        """Return every snapshot ever loaded into the table."""


@dataclass(frozen=True)
class Work:
    """What one transaction loads.

    Attributes:
        snapshots: the snapshots, oldest first; none where only the place in the log moves.
        version: the Delta version up to which everything is loaded once this is committed; None where more follows.
        regressed: Delta went back below the place in the log, so earlier versions no longer mean what they meant.
        gone: those of the snapshots that Silver no longer holds: they are taken out.
    """

    snapshots: tuple[datetime, ...]
    version: int | None
    regressed: bool = False
    gone: tuple[datetime, ...] = ()

    @property
    def kept(self) -> tuple[datetime, ...]:
        """The snapshots that stand in the warehouse afterwards."""
        return tuple(moment for moment in self.snapshots if moment not in self.gone)


def find_work(log: Log, loaded: Loaded) -> list[Work]:
    """Return what is to be loaded, oldest first."""
    place = loaded.version
    regressed = place is not None and (log.version < place or _is_another_past(log, loaded, place))
    commits = None if regressed else log.commits_after(-1 if place is None else place)
    if commits is not None:
        known = loaded.snapshots() if any(commit.replaces for commit in commits) else set()
        return [_work_of(commit, known) for commit in commits]
    return _by_snapshots(log, loaded, regressed=regressed)


def _work_of(commit: SilverCommit, known: set[datetime]) -> Work:
    """Return what a commit brings; of one that replaces, what is new: what is loaded already is for the rebuild."""
    snapshots = set(commit.snapshots) - known if commit.replaces else commit.snapshots
    return Work(tuple(sorted(snapshots)), commit.version)


def _by_snapshots(log: Log, loaded: Loaded, *, regressed: bool) -> list[Work]:
    """Return the snapshots the warehouse lacks, in chunks; only the last may say that the version is loaded.

    A process that dies between two chunks then leaves a place in the log that is still true. Where nothing is lacking
    the place moves all the same, else every later load would compare all snapshots again.
    """
    missing = sorted(log.snapshots() - loaded.snapshots())
    chunks = [tuple(missing[start : start + CHUNK]) for start in range(0, len(missing), CHUNK)] or [()]
    return [*(Work(chunk, None) for chunk in chunks[:-1]), Work(chunks[-1], log.version, regressed)]


def _is_another_past(log: Log, loaded: Loaded, place: int) -> bool:
    """Tell whether the commit at our place in the log added snapshots that were never loaded.

    So it is after the lake was restored to an earlier state and written on: its versions were given out a second time.
    """
    commits = log.commits_after(place - 1)
    if not commits or commits[0].version != place:
        return False
    added = commits[0].snapshots
    return not set(added) <= set(loaded.snapshots_of_version) and loaded.lacks(added)
