"""What the schedule has come to: last and next runs, windows that were missed, and how fresh each endpoint is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.key_plan import limits_of
from cryptoelt.clock import iso, parse_iso
from cryptoelt.frequencies import FREQUENCIES
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.future import future_snapshots, told_of
from cryptoelt.pipeline.windows import (
    VOIDED,
    believed,
    grace_of,
    lacking_endpoints,
    next_window,
    open_window,
    windows_that_are,
)

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.api.key_plan import Limit
    from cryptoelt.clock import Clock
    from cryptoelt.frequencies import Window
    from cryptoelt.lake.bronze import Bronze
    from cryptoelt.settings import Settings

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class MissedWindow:
    """A window that has closed while it lacked answers; "latest" answers of that time cannot be had any more."""

    window: Window
    lacking: list[str]


@dataclass
class FrequencyStatus:
    """How one frequency stands.

    Attributes:
        last_run: the newest line of the journal of runs for it; None where it never ran.
        window: its open window.
        is_done: whether that window is complete.
        next_window: the one that opens next.
        missed: closed windows of the days looked at that lack answers, oldest first.
        postponed: endpoint -> ids its newest scheduled run left for another day.
    """

    name: str
    last_run: dict[str, Any] | None = None
    window: Window | None = None
    is_done: bool = False
    next_window: Window | None = None
    missed: list[MissedWindow] = field(default_factory=list)
    postponed: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        return {
            "frequency": self.name,
            "last_run": self.last_run,
            "window_start": None if self.window is None else iso(self.window.start),
            "window_is_done": self.is_done,
            "next_window_start": None if self.next_window is None else iso(self.next_window.start),
            "missed": [{"window_start": iso(m.window.start), "lacking": m.lacking} for m in self.missed],
            "postponed": self.postponed,
        }


@dataclass(frozen=True)
class StatusReport:
    """The schedule of a home at one moment.

    Attributes:
        newest: endpoint -> its newest snapshot that is usable and not in the future; None where there is none.
        future: endpoint -> its snapshots that lie in the future, of those that have any.
        limits: setting -> the limit that holds, and who says so.
    """

    now: datetime
    days: int
    frequencies: list[FrequencyStatus]
    newest: dict[str, datetime | None]
    future: dict[str, list[datetime]]
    limits: dict[str, Limit]

    @property
    def notices(self) -> list[str]:
        """What a person should know beside the schedule."""
        return told_of(self.future)

    def as_json(self) -> dict[str, Any]:
        """Return the report in the shape of `--json`."""
        return {
            "now": iso(self.now),
            "days": self.days,
            "frequencies": [frequency.as_json() for frequency in self.frequencies],
            "freshness": [
                {
                    "endpoint": name,
                    "snapshot": None if moment is None else iso(moment),
                    "age_seconds": None if moment is None else round((self.now - moment).total_seconds()),
                }
                for name, moment in self.newest.items()
            ],
            "future": [
                {"endpoint": name, "snapshots": len(moments), "from": iso(moments[0]), "to": iso(moments[-1])}
                for name, moments in self.future.items()
            ],
            "limits": {name: {"value": limit.value, "source": limit.source} for name, limit in self.limits.items()},
        }


def status_report(settings: Settings, bronze: Bronze, clock: Clock, days: int) -> StatusReport:
    """Read the journal of runs and Bronze; asks nobody, starts nothing.

    Args:
        settings: of the home.
        bronze: its raw snapshots.
        clock: tells the time.
        days: how far back missed windows are looked for.

    Raises:
        StorageError: the journal or Bronze cannot be read.
    """
    now = clock.now()
    journal = RunJournal(settings.metadata_dir)
    lines = list(believed(journal.since(now - timedelta(days=days), now), now))
    known = bronze.as_of(now)
    frequencies = [_status_of(name, settings, known, now, days, lines) for name in FREQUENCIES]
    newest = {name: known.last_usable(name) for name in ENDPOINTS}
    future = future_snapshots(bronze, ENDPOINTS, now)
    return StatusReport(now, days, frequencies, newest, future, limits_of(settings))


def _status_of(
    name: str, settings: Settings, bronze: Bronze, now: datetime, days: int, lines: list[dict[str, Any]]
) -> FrequencyStatus:
    own = [line for line in lines if line.get("frequency") == name]
    journal = RunJournal(settings.metadata_dir)
    last = next((line for line in believed(journal.newest_first(name), now) if not line.get(VOIDED)), None)
    status = FrequencyStatus(name, last, next_window=next_window(name, now))
    if not FREQUENCIES[name].times:
        return status
    due = [line for line in own if line.get("is_due")]
    status.postponed = due[-1].get("postponed", {}) if due else {}
    status.window = open_window(settings, name, now)
    told = [line for line in own if line.get("is_due") or line.get(VOIDED)]
    status.is_done = status.window is not None and iso(status.window.start) in windows_that_are("is_complete", told)
    if due:
        first = max(now - timedelta(days=days), parse_iso(due[0]["window_start"]))
        answered = windows_that_are("is_answered", told)
        status.missed = _missed(name, settings, bronze, first, now, answered)
    return status


def _missed(
    name: str, settings: Settings, bronze: Bronze, first: datetime, now: datetime, answered: set[str]
) -> list[MissedWindow]:
    """Return the closed windows that lack answers, since the first one that a scheduled run served."""
    grace = grace_of(settings, name)
    missed = []
    for window in FREQUENCIES[name].windows(first, now - grace + _SECOND, grace):
        lacking = [] if iso(window.start) in answered else lacking_endpoints(bronze, window)
        if lacking:
            missed.append(MissedWindow(window, lacking))
    return missed
