from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoelt.api.retry import FailedTryError, RetryPolicy
from cryptoelt.api.taxonomy import Retry
from cryptoelt.clock import Clock
from cryptoelt.errors import ApiUnavailableError, StoppedError

NOON = datetime(2026, 11, 23, 12, 0, 17, tzinfo=UTC)


class RecordingClock(Clock):
    """Stands still but for its sleeps."""

    def __init__(self, moment: datetime = NOON) -> None:
        super().__init__()
        self.moment = moment
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.stop.raise_if_set()
        self.sleeps.append(seconds)
        self.moment += timedelta(seconds=seconds)


def failure(retry: Retry, retry_after: float | None = None) -> FailedTryError:
    return FailedTryError(ApiUnavailableError("not now", hint="later", endpoint="x"), retry, retry_after)


def waits(retry: Retry, *, max_tries: int = 5, max_wait: float = 65, retry_after: float | None = None) -> list[float]:
    """The waits of a call that always fails."""
    clock = RecordingClock()
    tries = []

    def attempt() -> None:
        tries.append(clock.now())
        raise failure(retry, retry_after)

    with pytest.raises(ApiUnavailableError):
        RetryPolicy(clock, max_tries=max_tries, max_wait=max_wait).run(attempt)
    assert len(tries) == len(clock.sleeps) + 1
    return clock.sleeps


def between(found: list[float], least: list[float], most: list[float]) -> bool:
    return len(found) == len(least) and all(a <= b <= c for a, b, c in zip(least, found, most, strict=True))


def test_passing_faults_are_tried_five_times_with_doubled_waits() -> None:
    assert between(waits(Retry.BACKOFF), [1, 2, 4, 8], [1.25, 2.5, 5, 10])


def test_an_address_limit_waits_longer_up_to_the_bound() -> None:
    assert between(waits(Retry.SLOWLY), [15, 30, 60, 65], [18.75, 37.5, 65, 65])


def test_a_minute_limit_waits_for_the_next_clock_minute() -> None:
    clock = RecordingClock(NOON + timedelta(microseconds=250_000))
    seconds = RetryPolicy(clock, max_tries=5, max_wait=65).wait_after(failure(Retry.NEXT_MINUTE), 1)
    assert seconds is not None
    assert 42.75 <= seconds <= 44.25


def test_a_minute_limit_beyond_the_bound_is_not_waited_for() -> None:
    assert waits(Retry.NEXT_MINUTE, max_wait=40) == []


def test_what_cannot_succeed_is_tried_once() -> None:
    assert waits(Retry.NEVER) == []


def test_the_number_of_tries_is_bounded() -> None:
    assert len(waits(Retry.BACKOFF, max_tries=3)) == 2
    assert waits(Retry.BACKOFF, max_tries=1) == []


def test_a_bound_of_zero_retries_at_once() -> None:
    assert waits(Retry.BACKOFF, max_wait=0) == [0, 0, 0, 0]
    assert waits(Retry.SLOWLY, max_wait=0) == [0, 0, 0, 0]
    assert waits(Retry.NEXT_MINUTE, max_wait=0) == []


def test_retry_after_is_a_floor() -> None:
    assert all(30 <= seconds <= 32 for seconds in waits(Retry.BACKOFF, retry_after=30))


def test_a_retry_after_beyond_the_bound_ends_the_tries() -> None:
    assert waits(Retry.BACKOFF, retry_after=3600) == []


@settings(deadline=None)
@given(
    retry=st.sampled_from([Retry.BACKOFF, Retry.SLOWLY, Retry.NEXT_MINUTE]),
    times=st.integers(1, 5),
    max_wait=st.floats(0, 1000),
    retry_after=st.none() | st.floats(0, 1000),
    second=st.floats(0, 59.9),
)
def test_jitter_never_shortens_a_wait_and_never_passes_the_bound(
    retry: Retry, times: int, max_wait: float, retry_after: float | None, second: float
) -> None:
    clock = RecordingClock(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second))
    seconds = RetryPolicy(clock, max_tries=5, max_wait=max_wait).wait_after(failure(retry, retry_after), times)
    first = {Retry.BACKOFF: 1.0, Retry.SLOWLY: 15.0}.get(retry)
    rule = min(first * 2 ** (times - 1), max_wait) if first else 60 - second
    floor = max(rule, retry_after or 0)
    if seconds is None:
        assert floor > max_wait - 1e-5
    else:
        assert floor - 1e-5 <= seconds <= max_wait


def test_a_success_after_failures_is_returned() -> None:
    clock = RecordingClock()
    outcomes: list[FailedTryError | str] = [failure(Retry.BACKOFF), failure(Retry.SLOWLY), "answer"]

    def attempt() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, FailedTryError):
            raise outcome
        return outcome

    assert RetryPolicy(clock, max_tries=5, max_wait=65).run(attempt) == "answer"
    assert between(clock.sleeps, [1, 15], [1.25, 18.75])


def test_the_last_error_says_how_often_it_was_tried_and_brings_no_cause_along() -> None:
    def attempt() -> None:
        raise failure(Retry.BACKOFF)

    with pytest.raises(ApiUnavailableError, match=r"^not now \(2 tries\)$") as caught:
        RetryPolicy(RecordingClock(), max_tries=2, max_wait=0).run(attempt)
    assert caught.value.hint == "later"
    assert caught.value.context == {"endpoint": "x"}
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_run_that_is_asked_to_stop_does_not_wait() -> None:
    clock = RecordingClock()

    def attempt() -> None:
        clock.stop.set()
        raise failure(Retry.BACKOFF)

    with pytest.raises(StoppedError):
        RetryPolicy(clock, max_tries=5, max_wait=65).run(attempt)
    assert clock.sleeps == []
