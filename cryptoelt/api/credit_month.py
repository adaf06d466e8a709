"""The credit month: the span of time over which the provider counts credits before it starts again at zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class CreditMonth:
    """One credit month in UTC, named after the calendar month in which it starts."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """The month as YYYY-MM, which names its ledger file."""
        return f"{self.start:%Y-%m}"

    def previous(self) -> CreditMonth:
        """Return the credit month before this one."""
        return CreditMonth(_shifted(self.start, -1), self.start)


def credit_month_of(moment: datetime, reset_day: int) -> CreditMonth:
    """Return the credit month that holds a moment; it starts on `reset_day` at 00:00 UTC."""
    moment = moment.astimezone(UTC)
    start = datetime(moment.year, moment.month, reset_day, tzinfo=UTC)
    if moment < start:
        start = _shifted(start, -1)
    return CreditMonth(start, _shifted(start, 1))


def _shifted(moment: datetime, months: int) -> datetime:
    index = moment.year * 12 + moment.month - 1 + months
    return moment.replace(year=index // 12, month=index % 12 + 1)
