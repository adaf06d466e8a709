"""The only place that reads the time, and the flag that ends a run before it is done."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptoelt.errors import ExitCode, StoppedError, WindowClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


#: What says to be of a time further ahead than this was stamped by a clock that was wrong.
FUTURE = timedelta(minutes=10)


class StopFlag:
    """Remembers that a run is to end before it is done, and wakes whoever waits.

    Somebody asks for it, by a signal, or the time that the run was given is over.

    Attributes:
        exit_code: what a run that was asked to end exits with: that of the first who asked.
        is_urgent: whether it was asked again, so that nothing is worth waiting for any more.
        last_words: what a run that has to be ended by force does before: it records itself.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._event = threading.Event()
        self._monotonic = monotonic
        self._closes_at: float | None = None
        self.exit_code = ExitCode.TERMINATED
        self.is_urgent = False
        self.last_words: Callable[[], None] | None = None

    def set(self, exit_code: ExitCode = ExitCode.TERMINATED) -> None:
        """Ask the run to end after the current unit, with this exit code; asked again, it ends at once."""
        if self._event.is_set():
            self.is_urgent = True
            return
        self.exit_code = exit_code
        self._event.set()

    def close_at(self, moment: float | None) -> None:
        """Let the run end when its clock's `monotonic` reaches a moment; None gives it all the time it takes."""
        self._closes_at = moment

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked the run to end."""
        return self._event.is_set()

    @property
    def overtime(self) -> float:
        """For how many seconds the time of the run has been over; 0 while it is not."""
        return 0.0 if self._closes_at is None else max(0.0, self._monotonic() - self._closes_at)

    def is_set(self) -> bool:
        """Tell whether the run is to end."""
        return self._event.is_set() or self._left() == 0

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; return True at once when the run is to end."""
        self._event.wait(min(seconds, self._left()))
        return self.is_set()

    def raise_if_set(self) -> None:
        """Raise when the run is to end.

        Raises:
            StoppedError: it was asked to.
            WindowClosedError: its time is over.
        """
        if self._event.is_set():
            raise StoppedError(
                "stopped before it began",
                hint="run the command again: what is done is kept, the rest is done then",
                exit_code=self.exit_code,
            )
        if self._left() == 0:
            raise WindowClosedError(
                "the window closed before this was done",
                hint="what was fetched is kept, and the next run builds and loads it; see `cryptoelt status`",
            )

    def _left(self) -> float:
        return math.inf if self._closes_at is None else max(0.0, self._closes_at - self._monotonic())


class Clock:
    """Tells the time as aware UTC and sleeps; tests pass one that stands still."""

    def __init__(self, stop: StopFlag | None = None) -> None:
        self.stop = stop or StopFlag(self.monotonic)

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds of a clock that never steps, for durations."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`, or less when the run is to end.

        Raises:
            StoppedError: the run was asked to end while waiting, or its window closed.
        """
        self.stop.wait(seconds)
        self.stop.raise_if_set()


def iso(moment: datetime) -> str:
    """Write a moment as ISO 8601 with Z; microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def span(moments: Collection[datetime]) -> str:
    """Name the moments of some snapshots: the one, or how many and from when to when."""
    if len(moments) <= 1:
        return "".join(map(iso, moments)) or "no snapshot"
    return f"{len(moments)} snapshots from {iso(min(moments))} to {iso(max(moments))}"


def parse_iso(text: str) -> datetime:
    """Read an ISO 8601 moment; one without an offset is taken as UTC.

    Raises:
        ValueError: the text is not ISO 8601.
        OverflowError: the moment is in no year from 1 to 9999 of UTC.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
