"""`--from` and `--to` are whole days, or moments, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cryptoelt.errors import UsageError
from cryptoelt.pipeline.period import Period

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def test_days_begin_at_midnight_and_end_with_their_last_moment() -> None:
    period = Period.of("2026-11-23", "2026-11-24")

    assert period.includes(MIDNIGHT)
    assert not period.includes(MIDNIGHT - INSTANT)
    assert period.includes(MIDNIGHT + timedelta(days=2) - INSTANT)
    assert not period.includes(MIDNIGHT + timedelta(days=2))


def test_times_are_taken_as_they_are_both_ends_included() -> None:
    period = Period.of("2026-11-23T10:30:00Z", "2026-11-23T13:30:00+02:00")

    start, end = MIDNIGHT + timedelta(hours=10.5), MIDNIGHT + timedelta(hours=11.5)
    assert [period.includes(moment) for moment in (start - INSTANT, start, end, end + INSTANT)] == [
        False,
        True,
        True,
        False,
    ]
    assert period.as_json() == {"from": "2026-11-23T10:30:00Z", "to": "2026-11-23T11:30:00Z"}


def test_an_end_that_is_not_given_is_open() -> None:
    assert Period.of(None, "2026-11-22").includes(MIDNIGHT - timedelta(days=10_000))
    assert Period.of("2026-11-23", None).includes(MIDNIGHT + timedelta(days=10_000))
    assert Period.of(None, None).as_json() == {"from": None, "to": None}


def test_one_day_may_be_first_and_last() -> None:
    assert Period.of("2026-11-23", "2026-11-23").includes(MIDNIGHT + timedelta(hours=23))


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "23.11.2026", "2026-02-30", "9999-12-31T23:59:59-12:00"]
)
def test_what_is_no_date_is_wrong_usage_and_named(text: str) -> None:
    with pytest.raises(UsageError, match=r"--from .*: not a date"):
        Period.of(text, None)
    with pytest.raises(UsageError, match=r"--to .*: not a date"):
        Period.of(None, text)


def test_an_end_before_the_start_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="--from 2026-11-24 is after --to 2026-11-23"):
        Period.of("2026-11-24", "2026-11-23")
