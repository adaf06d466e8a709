"""The windows of scheduled runs: which one is open, what it still lacks, and what became of earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.api.catalogue import ENDPOINTS, LISTINGS, LISTINGS_V1
from cryptoelt.api.credit_month import credit_month_of
from cryptoelt.api.envelope import moment_of
from cryptoelt.clock import FUTURE, iso
from cryptoelt.errors import ConfigurationError, DamagedFileError, UsageError
from cryptoelt.frequencies import FREQUENCIES, INIT, Window, endpoints_of, frequency_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cryptoelt.api.client import CoinMarketCapClient
    from cryptoelt.clock import Clock
    from cryptoelt.lake.bronze import Bronze
    from cryptoelt.metadata.runs import RunJournal
    from cryptoelt.settings import Settings

#: A line of the journal of runs: the answers of its window were taken out of Bronze.
VOIDED = "voided"
_SECOND = timedelta(seconds=1)


def grace_of(settings: Settings, frequency: str) -> timedelta:
    """Return how long the windows of a frequency stay open.

    Raises:
        ConfigurationError: a grace is set for what is no frequency.
    """
    for name in settings.schedule.grace:
        if name not in FREQUENCIES:
            known = ", ".join(FREQUENCIES)
            raise ConfigurationError(f"setting schedule.grace: there is no frequency {name}", hint=f"one of: {known}")
    minutes = settings.schedule.grace.get(frequency)
    return FREQUENCIES[frequency].grace if minutes is None else timedelta(minutes=minutes)


def open_window(settings: Settings, frequency: str, now: datetime) -> Window | None:
    """Return the window of a frequency that is open now; None where none is.

    Raises:
        UsageError: there is no such frequency, or it has no windows.
    """
    if not frequency_named(frequency).times:
        raise UsageError(f"{frequency} has no windows", hint=f"run it by hand: cryptoelt run --freq {frequency}")
    return FREQUENCIES[frequency].window_at(now, grace_of(settings, frequency))


def lacking_endpoints(bronze: Bronze, window: Window) -> list[str]:
    """Return the endpoints of which Bronze has no complete answer that carries the window's start.

    Args:
        bronze: without the snapshots that lie in the future (`Bronze.as_of`).
        window: the window.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    return [name for name in endpoints_of(window.frequency) if not _is_answered(bronze, name, window)]


def _is_answered(bronze: Bronze, endpoint: str, window: Window) -> bool:
    """Tell whether an answer carries the window's start.

    The window decides, not the order of snapshots; how far is looked follows from how far a snapshot may run ahead.
    """
    from cryptoelt.extract.scan_state import scan_of_window

    for file in bronze.files(endpoint, after=window.start - _SECOND):
        if window.end is not None and file.snapshot > window.end + FUTURE:
            return False
        try:
            note = bronze.footer(file).note
        except DamagedFileError:
            continue  # its snapshot fails on its own; the data of this moment can still be had
        if note.window == window.start and note.scan is not None:
            scan = scan_of_window(bronze, endpoint, window)
            return scan is not None and scan.is_finished
        if note.window == window.start and note.is_last:
            return True
    return False


@dataclass(frozen=True)
class WindowLog:
    """What the journal of runs says of windows.

    Attributes:
        place: the warehouse in use; a window is done for one warehouse only.
    """

    journal: RunJournal
    place: str

    def is_done(self, window: Window, now: datetime) -> bool:
        """Tell whether a run has already completed a window.

        Raises:
            StorageError: the journal cannot be read.
        """
        lines = believed(self.journal.since(window.start, now), now)
        own = (line for line in lines if line.get("frequency") == window.frequency)
        return iso(window.start) in windows_that_are(
            "is_complete", (line for line in own if line.get(VOIDED) or line.get("warehouse") == self.place)
        )


def windows_that_are(state: str, lines: Iterable[dict[str, Any]]) -> set[str]:
    """Return the windows of which one of these lines says that they are complete, or answered.

    What was said before their answers were taken out of Bronze no longer counts.

    Args:
        state: `is_complete` or `is_answered`.
        lines: of one frequency, oldest first.
    """
    found: set[str] = set()
    for line in lines:
        window = str(line.get("window_start"))
        if line.get(VOIDED):
            found.discard(window)
        elif line.get(state):
            found.add(window)
    return found


def believed(lines: Iterable[dict[str, Any]], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the lines of the journal of runs but those that say they ended in the future: their clock was wrong."""
    for line in lines:
        ended = moment_of(line.get("ended_at"))
        if ended is None or ended <= now + FUTURE:
            yield line


def credits_kept(settings: Settings, bronze: Bronze, clock: Clock, client: CoinMarketCapClient) -> int:
    """Return the credits that the rest of the month's windows need whose answers can never be had again.

    A window that is open counts while it lacks an answer.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    now = clock.now()
    kept = 0
    for window in _perishable_windows(settings, now):
        known = bronze.as_of(now)
        asked = endpoints_of(window.frequency) if window.start > now else lacking_endpoints(known, window)
        kept += sum(_price_of(name, settings, client) for name in asked)
    return kept


def _price_of(endpoint: str, settings: Settings, client: CoinMarketCapClient) -> int:
    """Return what one run of an endpoint costs as it is configured: so many coins, in this version."""
    if endpoint != LISTINGS:
        return client.price(ENDPOINTS[endpoint])
    listings = LISTINGS_V1 if settings.extract.listings_version == "v1" else ENDPOINTS[LISTINGS]
    return client.price(listings, settings.extract.listings_limit)


def _perishable_windows(settings: Settings, now: datetime) -> Iterator[Window]:
    month = credit_month_of(now, settings.budget.reset_day)
    for frequency in FREQUENCIES.values():
        if frequency.is_perishable:
            grace = grace_of(settings, frequency.name)
            yield from frequency.windows(now - grace, month.end, grace)


def next_window(frequency: str, now: datetime) -> Window | None:
    """Return the window of a frequency that opens next; None where it has none."""
    if frequency == INIT:
        return None
    return next(FREQUENCIES[frequency].windows(now + _SECOND, now + timedelta(days=8)), None)
