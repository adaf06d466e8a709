"""The calendar of windows, and the crontab that follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cryptoelt.errors import ConfigurationError, UsageError
from cryptoelt.frequencies import FREQUENCIES, Window, crontab, endpoints_of, tables_of
from cryptoelt.pipeline.windows import grace_of, next_window, open_window
from cryptoelt.settings import ScheduleSettings, Settings

ROOT = Path(__file__).parents[2]
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
SCHEDULED = [name for name, frequency in FREQUENCIES.items() if frequency.times]


def at(clock: str, day: int = 0) -> datetime:
    """A moment of a day, counted from a Monday."""
    hour, minute = clock.split(":")
    return MONDAY + timedelta(days=day, hours=int(hour), minutes=int(minute))


@pytest.mark.parametrize(
    ("name", "in_a_week", "of_monday"),
    [
        ("10x", 50, [f"{hour}:30" for hour in range(10, 20)]),
        ("5x", 25, ["09:00", "11:00", "13:00", "15:00", "17:00"]),
        ("daily", 5, ["08:20"]),
        ("weekly", 1, ["08:00"]),
        ("init", 0, []),
    ],
)
def test_windows_open_on_weekdays_in_utc(name: str, in_a_week: int, of_monday: list[str]) -> None:
    week = list(FREQUENCIES[name].windows(MONDAY, MONDAY + timedelta(days=7)))
    assert len(week) == in_a_week
    assert [window.start for window in week if window.start < MONDAY + timedelta(days=1)] == [at(m) for m in of_monday]


@pytest.mark.parametrize(
    ("name", "moment", "opened"),
    [
        ("10x", at("10:29"), None),
        ("10x", at("10:30"), at("10:30")),
        ("10x", at("11:19"), at("10:30")),
        ("10x", at("11:20"), None),
        ("5x", at("18:49"), at("17:00")),
        ("5x", at("18:50"), None),
        ("daily", at("20:19", 4), at("08:20", 4)),
        ("daily", at("20:20", 4), None),
        ("daily", at("09:00", 5), None),
        ("weekly", at("07:59", 1), at("08:00")),
        ("weekly", at("08:00", 1), None),
    ],
)
def test_a_window_is_open_from_its_moment_for_its_grace(name: str, moment: datetime, opened: datetime | None) -> None:
    window = open_window(Settings(), name, moment)
    assert (None if window is None else window.start) == opened


def test_of_windows_that_overlap_the_newest_is_open() -> None:
    settings = Settings(schedule=ScheduleSettings(grace={"10x": 90}))
    assert open_window(settings, "10x", at("11:31")) == Window("10x", at("11:30"), at("13:00"))
    assert open_window(settings, "10x", at("11:29")) == Window("10x", at("10:30"), at("12:00"))


def test_a_grace_can_be_set_for_what_is_a_frequency() -> None:
    assert grace_of(Settings(schedule=ScheduleSettings(grace={"5x": 30})), "5x") == timedelta(minutes=30)
    assert grace_of(Settings(), "5x") == timedelta(minutes=110)
    with pytest.raises(ConfigurationError, match="there is no frequency 6x"):
        grace_of(Settings(schedule=ScheduleSettings(grace={"6x": 30})), "5x")


def test_what_is_started_by_hand_is_never_due() -> None:
    with pytest.raises(UsageError, match="init has no windows"):
        open_window(Settings(), "init", at("10:30"))


def test_the_next_window_is_the_one_that_opens_next() -> None:
    opened = {name: window.start for name in SCHEDULED if (window := next_window(name, at("19:30", 4))) is not None}
    monday = 7
    assert opened == {
        "10x": at("10:30", monday),
        "5x": at("09:00", monday),
        "daily": at("08:20", monday),
        "weekly": at("08:00", monday),
    }
    assert next_window("init", at("10:00")) is None


def test_init_asks_everything_once_in_the_order_of_need() -> None:
    asked = endpoints_of("init")
    needs = [
        ("exchange/map", "exchange/info"),
        ("exchange/map", "exchange/assets"),
        ("cryptocurrency/map", "cryptocurrency/info"),
        ("cryptocurrency/categories", "cryptocurrency/category"),
    ]
    assert all(asked.index(first) < asked.index(then) for first, then in needs)
    every = {name for frequency in SCHEDULED for name in endpoints_of(frequency)}
    assert set(asked) == every | {"fear-and-greed/historical"}
    assert {table for frequency in SCHEDULED for table in tables_of(frequency)} < set(tables_of("init"))


# --- the crontab ------------------------------------------------------------------------------------------------------


def fires(schedule: str, moment: datetime) -> bool:
    """Tell whether a crontab schedule of numbers, ranges, lists and steps fires at a moment."""
    minute, hour, _, _, weekday = schedule.split()
    places = ((minute, moment.minute), (hour, moment.hour), (weekday, moment.isoweekday() % 7))
    return all(any(within(part, value) for part in field.split(",")) for field, value in places)


def within(part: str, value: int) -> bool:
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    if span == "*":
        return value % int(step or 1) == 0
    return int(first) <= value <= int(last or first)


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_line_fires_several_times_in_each_window_and_at_no_other_time_of_a_day_without_one(name: str) -> None:
    frequency = FREQUENCIES[name]
    minutes = [MONDAY + timedelta(minutes=minute) for minute in range(7 * 24 * 60)]
    fired = [moment for moment in minutes if fires(frequency.cron, moment)]
    windows = list(frequency.windows(MONDAY, MONDAY + timedelta(days=7)))
    for window in windows:
        assert window.end is not None
        within_it = [moment for moment in fired if window.start <= moment < window.end]
        assert len(within_it) >= 2
        assert within_it[0] - window.start <= timedelta(minutes=10)
    days = {window.start.date() for window in windows}
    assert {moment.date() for moment in fired} == days


def test_the_committed_crontab_is_the_one_that_is_printed() -> None:
    printed = crontab("/srv/market", "/opt/cryptoelt/.venv/bin/cryptoelt")
    assert (ROOT / "crontab").read_text(encoding="utf-8") == printed


def test_a_crontab_line_survives_a_shell_and_cron_itself() -> None:
    line = crontab("/srv/50% of it", "'/opt/my tools/cryptoelt'").splitlines()[-1]
    assert line == (
        "0,30 8-23 * * 1 CRYPTOELT_HOME='/srv/50\\% of it' '/opt/my tools/cryptoelt' run --freq weekly --due"
    )


def test_on_a_clock_that_is_not_utc_lines_fire_at_any_hour() -> None:
    lines = [line for line in crontab("/h", "cryptoelt", is_utc=False).splitlines() if not line.startswith("#")]
    assert len(lines) == len(SCHEDULED)
    assert all(line.startswith("*/10 * * * * ") for line in lines)
