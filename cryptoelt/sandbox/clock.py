"""The sandbox's own clock: it starts where it is told, runs as fast as it is told, and can be moved."""

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
        self.set(start or self._real.now())

    def now(self) -> datetime:
        """Return the sandbox's moment, aware, UTC."""
        moment, since = self._zero
        return moment + timedelta(seconds=(self._real.monotonic() - since) * self._speed)

    def set(self, moment: datetime) -> None:
        """Make it this moment now."""
        self._zero = (moment, self._real.monotonic())

    def advance(self, seconds: float) -> None:
        """Let time jump."""
        self.set(self.now() + timedelta(seconds=seconds))
