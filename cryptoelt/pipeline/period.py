"""The days that a backfill is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptoelt.clock import iso, parse_iso
from cryptoelt.errors import UsageError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """A stretch of time, both ends included; None where it is open."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, start: str | None, end: str | None) -> Period:
        """Read `--from` and `--to`: days, from the first midnight to the last moment, or ISO 8601 times.

        Raises:
            UsageError: one is neither, or they are the wrong way round.
        """
        period = cls(
            None if start is None else moment_named("--from", start),
            None if end is None else moment_named("--to", end, timedelta(days=1, microseconds=-1)),
        )
        if period.start is not None and period.end is not None and period.start > period.end:
            raise UsageError(f"--from {start} is after --to {end}", hint="exchange them")
        return period

    def includes(self, moment: datetime) -> bool:
        """Tell whether a moment lies in it."""
        return (self.start or _EARLIEST) <= moment <= (self.end or _LATEST)

    def as_json(self) -> dict[str, str | None]:
        """Return its ends in the shape of `--json`."""
        ends = {"from": self.start, "to": self.end}
        return {name: None if moment is None else iso(moment) for name, moment in ends.items()}


def moment_named(option: str, text: str, of_day: timedelta | None = None) -> datetime:
    """Return the moment that an option names: ISO 8601, or a day, of which it is the midnight and `of_day` more.

    Raises:
        UsageError: it is neither.
    """
    try:
        return parse_iso(text) + (of_day if of_day and _DAY.fullmatch(text) else timedelta())
    except (ValueError, OverflowError) as exc:
        raise UsageError(
            f"{option} {text}: not a date", hint="a day as 2026-11-23, or a time as 2026-11-23T10:30:00Z"
        ) from exc
