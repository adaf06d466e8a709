"""The sandbox's own clock: it starts where it is told, runs as fast as it is told, and can be moved.

The market's time may run ahead of the program that asks, fast, or stand still. The time of day that the sandbox tells
(key/info) is another thing: that outside, or the moment it was set to and what has passed since.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptoelt.clock import Clock


class SandboxClock:
    """Time as the synthetic market sees it.

    Args:
        start: the first moment; None starts at the present.
        speed: sandbox seconds that pass in a real second; 0 stands still.
        real: tells the time outside.
    """

    def __init__(self, start: datetime | None = None, speed: float = 1.0, real: Clock | None = None) -> None:
        self._real = real or Clock()
        self._speed = speed
        self._jumps = timedelta()
        self._is_set = start is not None
        self._zero = (start or self._real.now(), self._real.monotonic())

    def now(self) -> datetime:
        """Return the moment of the market, aware, UTC."""
        return self._since_zero() + self._jumps

    def time_of_day(self) -> datetime:
        """Return the time that the sandbox tells: that outside, or what it was set to; never a market's that jumped."""
        return self._since_zero() if self._is_set else self._real.now()

    def set(self, moment: datetime) -> None:
        """Make it this moment now."""
        self._zero, self._jumps, self._is_set = (moment, self._real.monotonic()), timedelta(), True

    def advance(self, seconds: float) -> None:
        """Let the market's time jump."""
        self._jumps += timedelta(seconds=seconds)

    def _since_zero(self) -> datetime:
        moment, since = self._zero
        return moment + timedelta(seconds=(self._real.monotonic() - since) * self._speed)
