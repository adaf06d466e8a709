"""The report of the credit ledger: what is spent, what is left, and where the month is heading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.api.ledger import CreditLedger, LedgerState
from cryptoelt.clock import iso

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.clock import Clock
    from cryptoelt.settings import Settings

_SATURDAY = 5


@dataclass(frozen=True)
class Forecast:
    """Where the month is heading, counted in weekdays because the scheduled runs are.

    Attributes:
        weekdays_gone: weekdays since the month began, today included.
        weekdays_left: weekdays after today until the reset.
        per_weekday: credits spent on an average weekday; None before the first one.
        at_reset: credits spent by the reset if the rest of the month is like its beginning.
    """

    weekdays_gone: int
    weekdays_left: int
    per_weekday: float | None
    at_reset: int

    def as_json(self) -> dict[str, Any]:
        """Return the forecast in the shape of `--json`."""
        return {
            "weekdays_gone": self.weekdays_gone,
            "weekdays_left": self.weekdays_left,
            "per_weekday": None if self.per_weekday is None else round(self.per_weekday, 1),
            "at_reset": self.at_reset,
        }


@dataclass(frozen=True)
class BudgetReport:
    """The present credit month."""

    state: LedgerState
    forecast: Forecast

    @property
    def remaining(self) -> int:
        """Credits that may still be spent; 0 when others overspent."""
        return max(0, self.state.remaining)

    def as_json(self) -> dict[str, Any]:
        """Return the report in the shape of `--json`."""
        return {
            "month": self.state.month,
            "limit": self.state.limit,
            "limit_source": self.state.limit_source,
            "buffer": self.state.buffer,
            "spendable": self.state.spendable,
            "charged": self.state.charged,
            "reserved": self.state.reserved,
            "external": self.state.external,
            "remaining": self.remaining,
            "by_endpoint": self.state.by_endpoint,
            "resets_at": iso(self.state.resets_at),
            "forecast": self.forecast.as_json(),
        }


def budget_report(settings: Settings, clock: Clock) -> BudgetReport:
    """Read the ledger; asks nobody.

    Raises:
        StorageError: the ledger cannot be read.
    """
    state = CreditLedger(settings.metadata_dir, settings.budget, clock).state()
    return BudgetReport(state, _forecast(state, clock.now()))


def _forecast(state: LedgerState, now: datetime) -> Forecast:
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    gone = _weekdays(state.starts_at, tomorrow)
    left = _weekdays(tomorrow, state.resets_at)
    spent = state.charged + state.reserved + state.external
    if gone == 0:
        return Forecast(gone, left, None, spent)
    return Forecast(gone, left, spent / gone, round(spent + spent / gone * left))


def _weekdays(start: datetime, end: datetime) -> int:
    days = (end - start).days
    return sum((start + timedelta(days=day)).weekday() < _SATURDAY for day in range(days))
