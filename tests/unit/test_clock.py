"""Time is UTC and aware, in and out; the flag that ends a run wakes whoever waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoelt.clock import Clock, StopFlag, iso, parse_iso
from cryptoelt.errors import ExitCode, StoppedError, WindowClosedError

#: Longer than any test may take: a wait that is not ended early fails by the suite's own limit.
TOO_LONG = 3600.0


def test_now_is_aware_and_utc() -> None:
    before = datetime.now(UTC)
    now = Clock().now()

    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 10, 30, tzinfo=UTC), "2026-11-23T10:30:00Z"),
        (datetime(2026, 11, 23, 10, 30, 0, 7, tzinfo=UTC), "2026-11-23T10:30:00.000007Z"),
        (datetime(2026, 11, 23, 0, 30, tzinfo=timezone(timedelta(hours=2))), "2026-11-22T22:30:00Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_z(moment: datetime, text: str) -> None:
    assert iso(moment) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_back_to_the_microsecond(moment: datetime) -> None:
    assert parse_iso(iso(moment)) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T10:30:00.123Z", datetime(2026, 11, 23, 10, 30, 0, 123_000, tzinfo=UTC)),
        ("2026-11-23T10:30:00+05:30", datetime(2026, 11, 23, 5, 0, tzinfo=UTC)),
        ("2026-11-23 10:30:00", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_taken_as_utc(text: str, moment: datetime) -> None:
    assert parse_iso(text) == moment
    assert parse_iso(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z", "1700000000000"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_iso(text)


def test_a_moment_before_the_first_year_of_utc_is_refused() -> None:
    with pytest.raises(OverflowError):
        parse_iso("0001-01-01T00:00:00+14:00")


def test_a_run_that_nobody_stops_sleeps_on() -> None:
    clock = Clock()
    began = clock.monotonic()
    clock.sleep(0.01)

    assert clock.monotonic() - began >= 0.01
    clock.stop.raise_if_set()


@pytest.mark.parametrize("code", [ExitCode.TERMINATED, ExitCode.INTERRUPTED])
def test_the_flag_ends_a_sleep_at_once_with_the_code_of_the_signal(code: ExitCode) -> None:
    clock = Clock(StopFlag())
    setter = threading.Timer(0.01, clock.stop.set, [code])
    setter.start()

    with pytest.raises(StoppedError) as caught:
        clock.sleep(TOO_LONG)

    setter.join()
    assert caught.value.exit_code is code
    assert clock.stop.exit_code is code


def test_a_run_that_was_stopped_does_not_sleep_at_all() -> None:
    clock = Clock()
    clock.stop.set()

    assert clock.stop.wait(TOO_LONG)
    with pytest.raises(StoppedError):
        clock.sleep(TOO_LONG)


def test_the_first_who_asks_gives_the_code_and_whoever_asks_again_makes_it_urgent() -> None:
    stop = StopFlag()
    stop.set(ExitCode.INTERRUPTED)
    assert not stop.is_urgent
    stop.set(ExitCode.TERMINATED)
    assert (stop.exit_code, stop.is_urgent) == (ExitCode.INTERRUPTED, True)


def test_time_that_is_over_ends_a_sleep_and_is_told_from_a_signal() -> None:
    clock = Clock()
    clock.stop.close_at(clock.monotonic() + 0.01)
    with pytest.raises(WindowClosedError):
        clock.sleep(TOO_LONG)
    assert clock.stop.is_set()
    assert not clock.stop.is_asked

    clock.stop.close_at(None)
    assert not clock.stop.is_set()
    clock.sleep(0)
