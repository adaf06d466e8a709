"""What the windows of a credit month cost, whether the month can hold them all, and what is postponed where not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from math import ceil
from operator import add
from typing import TYPE_CHECKING, Any

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.cost import Cost
from cryptoelt.api.credit_month import credit_month_of
from cryptoelt.clock import iso
from cryptoelt.errors import UsageError
from cryptoelt.frequencies import FREQUENCIES, Window, endpoints_of
from cryptoelt.pipeline.plan import Priced, budget_as_json, price
from cryptoelt.pipeline.windows import grace_of, lacking_endpoints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.api.credit_month import CreditMonth
    from cryptoelt.api.ledger import LedgerState
    from cryptoelt.extract.base import BaseExtractor
    from cryptoelt.pipeline.runtime import Runtime

#: A credit month, of this century or the last.
_MONTH = re.compile(r"(?P<year>(?:19|20)[0-9]{2})-(?P<month>0[1-9]|1[0-2])")
_SCHEDULED = [name for name, frequency in FREQUENCIES.items() if frequency.times]


@dataclass
class FrequencyPlan:
    """What the windows of one frequency cost that are still to be served.

    Attributes:
        windows: how many there are.
        lost: how many of them find no credits although their answers cannot be had again.
    """

    windows: int = 0
    cost: Cost = field(default_factory=Cost)
    lost: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        return {"windows": self.windows, **self.cost.as_json(), "lost": self.lost}


@dataclass(frozen=True)
class MonthPlan:
    """What is still to be served in a credit month.

    Attributes:
        month: the month.
        state: the ledger of the present month; for a later one only its limits count.
        is_present: whether it is the present month.
        priced: the cost of all windows by endpoint.
        frequencies: the same by frequency.
        postponed: endpoint -> credits that are wanted and cannot be had beside what cannot wait.
    """

    month: CreditMonth
    state: LedgerState
    is_present: bool
    priced: Priced
    frequencies: dict[str, FrequencyPlan] = field(
        default_factory=lambda: {name: FrequencyPlan() for name in _SCHEDULED}
    )
    postponed: dict[str, int] = field(default_factory=dict)

    def add(self, windows: list[tuple[Window, list[str]]], each: dict[str, Cost], limits: dict[str, int]) -> None:
        """Add windows in order of time, and find out for which of them the credits are short.

        Args:
            windows: with the endpoints that each of them lacks.
            each: what an endpoint costs in one window.
            limits: what some endpoints may cost in all windows together.
        """
        left = max(0, self.spendable - self.spent)
        kept = sum(each[name].credits for window, names in windows if _is_perishable(window) for name in names)
        for window, names in windows:
            costs = {name: _within(each[name], limits.get(name)) for name in names}
            limits |= {name: limits[name] - costs[name].credits for name in names if name in limits}
            for name, cost in costs.items():
                self.priced.by_endpoint[name] = self.priced.by_endpoint.get(name, Cost()) + cost
            frequency, whole = self.frequencies[window.frequency], reduce(add, costs.values())
            frequency.windows += 1
            frequency.cost += whole
            if _is_perishable(window):
                kept -= whole.credits
                frequency.lost += whole.credits > left
                left -= whole.credits if whole.credits <= left else 0
                continue
            for name, cost in costs.items():
                paid = min(cost.credits, max(0, left - kept))
                left -= paid
                if paid < cost.credits:
                    self.postponed[name] = self.postponed.get(name, 0) + cost.credits - paid

    @property
    def spent(self) -> int:
        """Credits of the month that are gone already."""
        return self.state.charged + self.state.reserved + self.state.external if self.is_present else 0

    @property
    def spendable(self) -> int:
        """Credits of the whole month that may be spent."""
        return self.state.spendable if self.is_present else self.state.limit_less_buffer

    @property
    def total(self) -> int:
        """Credits of the whole month, those already spent included."""
        return self.spent + self.priced.cost.credits

    @property
    def fits(self) -> bool:
        """Tell whether the month holds all its windows."""
        return self.total <= self.spendable

    def as_json(self) -> dict[str, Any]:
        """Return the plan in the shape of `--json`."""
        nothing = {"charged": 0, "reserved": 0, "external": 0}
        return {
            **self.priced.as_json(),
            **budget_as_json(self.state),
            **({} if self.is_present else nothing),
            "month": self.month.name,
            "starts_at": iso(self.month.start),
            "resets_at": iso(self.month.end),
            "spendable": self.spendable,
            "remaining": max(0, self.spendable - self.spent),
            "total": self.total,
            "fits": self.fits,
            "frequencies": {name: frequency.as_json() for name, frequency in self.frequencies.items()},
            "postponed": self.postponed,
        }


def _is_perishable(window: Window) -> bool:
    return FREQUENCIES[window.frequency].is_perishable


def _within(cost: Cost, limit: int | None) -> Cost:
    """Return a cost as far as a limit allows it."""
    if limit is None or cost.credits <= limit:
        return cost
    return Cost(ceil(cost.calls * limit / cost.credits), limit)


def month_named(text: str, reset_day: int) -> CreditMonth:
    """Return the credit month that begins in a calendar month written as YYYY-MM.

    Raises:
        UsageError: it is not written so.
    """
    match = _MONTH.fullmatch(text)
    if match is None:
        raise UsageError(f"--month {text}: not a month", hint="write it as YYYY-MM, e.g. 2026-12")
    return credit_month_of(datetime(int(match["year"]), int(match["month"]), reset_day, tzinfo=UTC), reset_day)


def plan_month(runtime: Runtime, named: str | None = None) -> MonthPlan:
    """Price the windows of a credit month that are still to be served: all of a later month, the rest of this one.

    Args:
        runtime: of the home.
        named: the month as YYYY-MM; None is the present one.

    Raises:
        UsageError: it is no month, or one that is over.
        StorageError: Bronze or the ledger cannot be read.
    """
    now, reset_day = runtime.clock.now(), runtime.settings.budget.reset_day
    present = credit_month_of(now, reset_day)
    month = present if named is None else month_named(named, reset_day)
    if month.end <= now:
        raise UsageError(f"--month {month.name}: that month is over", hint=f"the present one is {present.name}")
    limits: dict[str, int] = {}

    def usual(extractor: BaseExtractor, now: datetime) -> Cost:
        moment = max(now, month.start)
        limit = extractor.most_of_month(moment)
        if limit is not None:
            limits[extractor.endpoint_name] = limit
        return extractor.usual(moment)

    asked = {name: endpoints_of(name) for name in _SCHEDULED}
    each = price(runtime, [name for name in ENDPOINTS if any(name in names for names in asked.values())], usual)
    month_plan = MonthPlan(month, runtime.ledger.state(), month == present, Priced(notes=each.notes))
    month_plan.add(list(_windows(runtime, month)), each.by_endpoint, limits)
    return month_plan


def _windows(runtime: Runtime, month: CreditMonth) -> Iterator[tuple[Window, list[str]]]:
    """Yield the windows of a month that are still to be served, with the endpoints that they lack, in order of time."""
    now, known, found = runtime.clock.now(), runtime.bronze_now, list[Window]()
    for name in _SCHEDULED:
        grace = grace_of(runtime.settings, name)
        found += FREQUENCIES[name].windows(max(month.start, now - grace), month.end, grace)
    for window in sorted(found, key=lambda window: window.start):
        lacking = endpoints_of(window.frequency) if window.start > now else lacking_endpoints(known, window)
        if lacking:
            yield window, lacking
