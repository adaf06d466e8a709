"""Our clock against the two that an answer may tell: one that is wrong by itself ends no run."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from cryptoelt.api.answer import Answer
from cryptoelt.api.skew import clock_notice
from cryptoelt.errors import ConfigurationError

NOW = datetime(2026, 11, 30, 10, 35, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YESTERDAY, LOCAL = NOW - timedelta(days=1), NOW + timedelta(hours=2)
TOLERANCE = 10


def notice(timestamp: datetime | None, date: datetime | None) -> str:
    return clock_notice(Answer("c-1", "key/info", {}, NOW, timestamp, [], 0, None, "", http_date=date), TOLERANCE)


@pytest.mark.parametrize("wrong", [EPOCH, YESTERDAY, LOCAL])
@pytest.mark.parametrize("is_header", [False, True])
def test_one_clock_that_agrees_is_believed_and_the_contradiction_told(
    wrong: datetime, is_header: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "cryptoelt.api"):
        told = notice(NOW, wrong) if is_header else notice(wrong, NOW)
    assert "tells two times, 2026-11-30T10:35:00Z and" in told
    assert [record.message for record in caplog.records] == ["clock.contradicted"]


def test_a_contradiction_within_the_tolerance_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cryptoelt.api"):
        assert notice(NOW - timedelta(minutes=5), NOW) == ""
    assert [record.message for record in caplog.records] == ["clock.contradicted"]


@pytest.mark.parametrize(
    ("timestamp", "date"),
    [(LOCAL, LOCAL), (LOCAL, None), (None, YESTERDAY), (EPOCH, LOCAL), (YESTERDAY, YESTERDAY + timedelta(seconds=1))],
)
def test_a_run_ends_where_no_clock_agrees(timestamp: datetime | None, date: datetime | None) -> None:
    with pytest.raises(ConfigurationError, match="no credit was spent"):
        notice(timestamp, date)


def test_the_nearer_clock_measures_the_difference() -> None:
    assert notice(EPOCH, NOW + timedelta(minutes=3)).startswith("the clock of this machine is 3 minutes behind")


@pytest.mark.parametrize("date", [None, NOW, NOW - timedelta(seconds=90)])
def test_clocks_that_agree_are_not_spoken_of(date: datetime | None) -> None:
    assert notice(NOW, date) == ""
