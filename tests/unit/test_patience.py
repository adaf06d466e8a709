"""A run that waits for Spark gives it up long after its window has closed, and not before."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest

from cryptoelt.pipeline.patience import result_of
from tests.support.schedule import SimulatedClock

CLOSED = datetime(2026, 11, 23, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "given_up"), [(30, 0), (61, 1)])
def test_what_hangs_is_given_up_once_a_minute_after_the_window_has_closed(seconds: int, given_up: int) -> None:
    clock = SimulatedClock(CLOSED)
    clock.stop.close_at(clock.monotonic())
    clock.moment += timedelta(seconds=seconds)
    calls: list[str] = []

    class Hanging(Future[str]):
        """Comes in the end, whether it was given up or not."""

        def result(self, timeout: float | None = None) -> str:
            if len(calls) < 3:
                calls.append("asked")
                raise TimeoutError(timeout)
            return "built"

    gone: list[str] = []
    assert result_of(Hanging(), clock.stop, give_up=lambda: gone.append("killed")) == "built"
    assert len(gone) == given_up
