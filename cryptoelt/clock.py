"""The only place that reads the time, and the flag that ends a run early."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptoelt.errors import ExitCode, StoppedError

if TYPE_CHECKING:
    from collections.abc import Collection


#: What says to be of a time further ahead than this was stamped by a clock that was wrong.
FUTURE = timedelta(minutes=10)


class StopFlag:
    """Remembers that the run was asked to end, and wakes whoever waits."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.exit_code = ExitCode.TERMINATED

    def set(self, exit_code: ExitCode = ExitCode.TERMINATED) -> None:
        """Ask the run to end after the current unit, with this exit code."""
        self.exit_code = exit_code
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether the run was asked to end."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; return True at once when the run is asked to end."""
        return self._event.wait(seconds)

    def raise_if_set(self) -> None:
        """Raise StoppedError when the run was asked to end.

        Raises:
            StoppedError: the flag is set.
        """
        if self.is_set():
            raise StoppedError(
                "stopped before it began",
                hint="run the command again: what is done is kept, the rest is done then",
                exit_code=self.exit_code,
            )


class Clock:
    """Tells the time as aware UTC and sleeps; tests pass one that stands still."""

    def __init__(self, stop: StopFlag | None = None) -> None:
        self.stop = stop or StopFlag()

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds of a clock that never steps, for durations."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`, or less when the run is asked to end.

        Raises:
            StoppedError: the run was asked to end while waiting.
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
