"""Which endpoint and which table belongs to which frequency, when its windows open, and the cron lines for it.

The endpoints are those of the API catalogue, the tables those of the table catalogue; this module groups them, and
knows the calendar. All times are UTC.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.errors import UsageError
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

_WEEKDAYS = frozenset(range(5))
_MONDAY = frozenset({0})
_ONE_DAY = timedelta(days=1)

INIT = "init"


@dataclass(frozen=True)
class Window:
    """A time in which the data of one scheduled moment may be fetched; with its frequency the identity of a run.

    Attributes:
        start: the scheduled moment.
        end: when it is too late; None for what is done only once.
    """

    frequency: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Frequency:
    """When a frequency is due.

    Attributes:
        cron: the crontab schedule that starts it, several times a window; "" for one that is started by hand.
        weekdays: the days on which its windows open, Monday being 0.
        times: the times of day at which they open.
        grace: how long a window stays open.
        is_perishable: whether its answers can never be had again; others wait for it when credits are short.
    """

    name: str
    cron: str
    weekdays: frozenset[int]
    times: tuple[time, ...]
    grace: timedelta
    is_perishable: bool = False

    def windows(self, start: datetime, end: datetime, grace: timedelta | None = None) -> Iterator[Window]:
        """Yield the windows that open from `start` until before `end`, in order."""
        day = start.astimezone(UTC).date()
        while datetime.combine(day, time(), UTC) < end:
            for moment in self.times if day.weekday() in self.weekdays else ():
                opens = datetime.combine(day, moment, UTC)
                if start <= opens < end:
                    yield Window(self.name, opens, opens + (grace or self.grace))
            day += _ONE_DAY

    def window_at(self, now: datetime, grace: timedelta | None = None) -> Window | None:
        """Return the window that is open, the newest where graces overlap; None where none is."""
        windows = list(self.windows(now - (grace or self.grace), now + timedelta(microseconds=1), grace))
        return windows[-1] if windows and windows[-1].end is not None and now < windows[-1].end else None


def _hours(*hours: int, minute: int = 0) -> tuple[time, ...]:
    return tuple(time(hour, minute) for hour in hours)


#: Frequencies, the most perishable first.
FREQUENCIES: dict[str, Frequency] = {
    frequency.name: frequency
    for frequency in (
        Frequency(
            "10x",
            "30,40,50 10-19 * * 1-5",
            _WEEKDAYS,
            _hours(*range(10, 20), minute=30),
            timedelta(minutes=50),
            is_perishable=True,
        ),
        Frequency(
            "5x",
            "*/10 9,11,13,15,17 * * 1-5",
            _WEEKDAYS,
            _hours(9, 11, 13, 15, 17),
            timedelta(minutes=110),
            is_perishable=True,
        ),
        Frequency("daily", "20,50 8-19 * * 1-5", _WEEKDAYS, _hours(8, minute=20), timedelta(hours=12)),
        Frequency("weekly", "0,30 8-23 * * 1", _MONDAY, _hours(8), timedelta(hours=24)),
        Frequency(INIT, "", frozenset(), (), timedelta()),
    )
}


def endpoints_of(frequency: str) -> list[str]:
    """Return the endpoints of a frequency, in order.

    Raises:
        UsageError: there is no such frequency.
    """
    frequency_named(frequency)
    return [name for name, endpoint in ENDPOINTS.items() if frequency in endpoint.frequencies]


def tables_of(frequency: str) -> list[str]:
    """Return the tables of a frequency, parents before children.

    Raises:
        UsageError: there is no such frequency.
    """
    frequency_named(frequency)
    return [name for name, table in TABLES.items() if frequency in table.frequencies]


def frequency_named(name: str) -> Frequency:
    """Return a frequency.

    Raises:
        UsageError: there is no such frequency.
    """
    if name not in FREQUENCIES:
        raise UsageError(f"unknown frequency {name!r}", hint=f"one of: {', '.join(FREQUENCIES)}")
    return FREQUENCIES[name]


_ANY_TIME = "*/10 * * * *"
_CRONTAB_HEAD = """\
# The schedule of cryptoelt. Windows are in UTC, and a line may fire as often as it likes: `run --due` serves each open
# window once, asks only for what it still lacks, and does nothing, for nothing, outside of them.
"""


def crontab(home: str, program: str, *, is_utc: bool = True) -> str:
    """Return the crontab that keeps the schedule.

    Args:
        home: the absolute home.
        program: the command that starts cryptoelt, quoted for a shell.
        is_utc: whether the machine's clock is UTC. Elsewhere lines fire all day: cron knows local hours only, which
            move against UTC twice a year, and the program knows when a window is open.
    """
    start = f"CRYPTOELT_HOME={shlex.quote(home)} {program} run --freq".replace("%", "\\%")  # % ends a line for cron
    lines = [
        f"{frequency.cron if is_utc else _ANY_TIME} {start} {frequency.name} --due\n"
        for frequency in FREQUENCIES.values()
        if frequency.cron
    ]
    return "".join([_CRONTAB_HEAD, *lines])
