"""The views on the fear and greed index, on histories small enough to work out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.global_rows import SENTIMENT, GlobalRows

if TYPE_CHECKING:
    from cryptoelt.warehouse.engine import Warehouse

DAILY = (
    "SELECT snapshot_date, snapshot_timestamp, fear_greed_score, sentiment_label, value_timestamp, live_values,"
    " is_historical FROM analytics.vw_fear_greed_daily_trend ORDER BY 1"
)


def on(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def live(score: int | None, label: str | None, updated: datetime) -> dict[str, object]:
    return {"fear_greed_score": score, "sentiment_label": label, "value_timestamp": updated}


@pytest.fixture
def rows(warehouse: Warehouse) -> GlobalRows:
    return GlobalRows(warehouse)


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_day_shows_its_last_live_value_and_the_historical_point_only_without_one(
    rows: GlobalRows, time_zone: str
) -> None:
    rows.insert_facts(
        SENTIMENT,
        {
            # Monday: three live values, the last of them inserted first; its historical point does not count.
            on(23, 19, 30): live(41, "Neutral", on(23, 19, 15)),
            on(23, 10, 30): live(38, "Fear", on(23, 10, 15)),
            on(23, 12, 30): live(60, "Greed", on(23, 12, 15)),
            on(23): live(20, "Fear", on(23)),
            # Sunday: nobody asked, so the historical point stands in.
            on(22): live(19, "Extreme fear", on(22)),
            # Tuesday, at the edges of the UTC day: a live value at midnight is of the day that begins.
            on(24): live(80, "Extreme greed", on(23, 23, 45)),
            on(24, 23, 59): live(79, "Greed", on(24, 23, 45)),
            # Wednesday: the answer had no score, and there is no other.
            on(25, 10, 30): live(None, None, on(25, 10, 15)),
            # Thursday: the last answer had none.
            on(26, 10, 30): live(55, "Neutral", on(26, 10, 15)),
            on(26, 11, 30): live(None, None, on(26, 11, 15)),
        },
    )

    assert rows.select(DAILY, time_zone) == [
        (date(2026, 11, 22), on(22), 19, "Extreme fear", on(22), 0, True),
        (date(2026, 11, 23), on(23, 19, 30), 41, "Neutral", on(23, 19, 15), 3, False),
        (date(2026, 11, 24), on(24, 23, 59), 79, "Greed", on(24, 23, 45), 2, False),
        (date(2026, 11, 26), on(26, 10, 30), 55, "Neutral", on(26, 10, 15), 1, False),
    ]


def test_a_live_value_that_does_not_say_when_it_was_updated_is_a_live_value(rows: GlobalRows) -> None:
    rows.insert_facts(SENTIMENT, {on(23): {"fear_greed_score": 50}, on(23, 9) - timedelta(days=1): live(7, "x", on(1))})

    assert [(row[0].day, *row[5:]) for row in rows.select(DAILY)] == [(22, 1, False), (23, 1, False)]


def test_scores_outside_of_0_to_100_are_shown(rows: GlobalRows) -> None:
    scores = {0: -1, 1: 0, 2: 50, 3: 100, 4: 101, 5: None}
    rows.insert_facts(SENTIMENT, {on(23, hour): {"fear_greed_score": score} for hour, score in scores.items()}, 7)

    query = (
        "SELECT snapshot_timestamp, fear_greed_score, load_batch_id FROM monitoring.vw_invalid_fear_greed_scores"
        " ORDER BY 1"
    )
    assert rows.select(query) == [(on(23, 0), -1, 7), (on(23, 4), 101, 7)]


def test_values_without_a_label_are_shown(rows: GlobalRows) -> None:
    labels = {1: "Fear", 2: None, 3: "", 4: " \t"}
    facts = {on(23, hour): live(hour, label, on(22)) for hour, label in labels.items()}
    rows.insert_facts(SENTIMENT, facts, 7)

    query = (
        "SELECT snapshot_timestamp, fear_greed_score, sentiment_label, value_timestamp, load_batch_id"
        " FROM monitoring.vw_missing_sentiment_labels ORDER BY 1"
    )
    assert rows.select(query) == [
        (on(23, 2), 2, None, on(22), 7),
        (on(23, 3), 3, "", on(22), 7),
        (on(23, 4), 4, " \t", on(22), 7),
    ]
