from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.minute import MinuteLimit, times_in
from cryptoelt.clock import Clock
from cryptoelt.errors import StoppedError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


class RecordingClock(Clock):
    """Stands still but for its sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = NOON
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.stop.raise_if_set()
        self.sleeps.append(seconds)
        self.moment += timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def test_requests_go_at_once_while_there_is_room(tmp_path: Path) -> None:
    clock = RecordingClock()
    for _ in range(30):
        MinuteLimit(tmp_path, 30, clock).take()
    assert clock.sleeps == []


def test_no_sixty_seconds_hold_more_than_the_limit(tmp_path: Path) -> None:
    clock = RecordingClock()
    limits = [MinuteLimit(tmp_path, 5, clock) for _ in range(3)]
    times = []
    for number in range(40):
        limits[number % 3].take()
        times.append(clock.now())
        clock.step(number % 7)
    for first, sixth in zip(times, times[5:], strict=False):
        assert sixth - first >= timedelta(seconds=60)


def test_a_request_waits_just_until_the_oldest_is_a_minute_old(tmp_path: Path) -> None:
    clock = RecordingClock()
    limit = MinuteLimit(tmp_path, 2, clock)
    limit.take()
    clock.step(20)
    limit.take()
    limit.take()
    assert clock.sleeps == [pytest.approx(40, abs=0.05)]


@pytest.mark.parametrize(
    ("passed", "told"), [(26, ["waiting 34 s for the next minute (1 request a minute)"]), (58, [])]
)
def test_a_wait_that_is_noticed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, passed: float, told: list[str]
) -> None:
    clock = RecordingClock()
    limit = MinuteLimit(tmp_path, 1, clock)
    limit.take()
    clock.step(passed)
    with caplog.at_level("INFO", logger="cryptoelt.api"):
        limit.take()

    assert clock.sleeps
    assert [record.told for record in caplog.records if hasattr(record, "told")] == told


def test_a_clock_that_steps_back_costs_a_minute_at_most(tmp_path: Path) -> None:
    clock = RecordingClock()
    limit = MinuteLimit(tmp_path, 1, clock)
    limit.take()
    clock.step(-3600)
    limit.take()
    assert clock.sleeps == [pytest.approx(60, abs=0.05)]


@pytest.mark.parametrize(
    "content", [b"", b"[1, 2", b'{"a": 1}', b'["x"]', b"\xff", b"5", b'{"format": 2, "requests": []}']
)
def test_a_damaged_count_is_a_full_minute_since_it_was_written(tmp_path: Path, content: bytes) -> None:
    clock = RecordingClock()
    limit = MinuteLimit(tmp_path, 3, clock)
    limit.path.parent.mkdir(parents=True)
    limit.path.write_bytes(content)
    written = (NOON - timedelta(seconds=25)).timestamp()
    os.utime(limit.path, (written, written))
    limit.take()
    assert clock.sleeps == [pytest.approx(35, abs=0.05)]
    assert len(times_in(limit.path.read_bytes())) == 1


def test_a_count_that_cannot_be_written_lets_no_request_go(tmp_path: Path) -> None:
    (tmp_path / "api").write_text("a file where a folder should be")
    with pytest.raises(StorageError):
        MinuteLimit(tmp_path, 3, RecordingClock()).take()


def test_waiting_ends_when_the_run_is_asked_to_stop(tmp_path: Path) -> None:
    clock = RecordingClock()
    limit = MinuteLimit(tmp_path, 1, clock)
    limit.take()
    clock.stop.set()
    with pytest.raises(StoppedError):
        limit.take()
    assert len(times_in(limit.path.read_bytes())) == 1
