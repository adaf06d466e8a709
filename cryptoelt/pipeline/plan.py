"""What a run would ask and cost, before any call is made: from Bronze, the ledger and the settings alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from cryptoelt.api.cost import Cost
from cryptoelt.clock import iso
from cryptoelt.frequencies import INIT, Window, endpoints_of
from cryptoelt.pipeline.init_window import InitWindow
from cryptoelt.pipeline.windows import lacking_endpoints
from cryptoelt.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from cryptoelt.api.ledger import LedgerState
    from cryptoelt.extract.base import BaseExtractor
    from cryptoelt.pipeline.runtime import Runtime


@dataclass
class Priced:
    """The cost of endpoints.

    Attributes:
        by_endpoint: what each of them costs.
        notes: what is only supposed.
    """

    by_endpoint: dict[str, Cost] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def cost(self) -> Cost:
        """All of them together."""
        return reduce(add, self.by_endpoint.values(), Cost())

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        by_endpoint = {name: cost.as_json() for name, cost in self.by_endpoint.items()}
        return {**self.cost.as_json(), "by_endpoint": by_endpoint, "notes": self.notes}


@dataclass(frozen=True)
class RunPlan:
    """What one run would cost that began now.

    Attributes:
        state: the credits of the present month.
        window_start: the unfinished init that the run would go on with.
    """

    frequency: str
    priced: Priced
    state: LedgerState
    window_start: datetime | None = None

    @property
    def fits(self) -> bool:
        """Tell whether the budget holds the run."""
        return self.priced.cost.credits <= max(0, self.state.remaining)

    def as_json(self) -> dict[str, Any]:
        """Return the plan in the shape of `--json`."""
        return {
            "frequency": self.frequency,
            "window_start": None if self.window_start is None else iso(self.window_start),
            **self.priced.as_json(),
            **budget_as_json(self.state),
            "fits": self.fits,
        }


def budget_as_json(state: LedgerState) -> dict[str, Any]:
    """Return what plans say of the month's credits."""
    return {
        "month": state.month,
        "limit": state.limit,
        "limit_source": state.limit_source,
        "spendable": state.spendable,
        "charged": state.charged,
        "reserved": state.reserved,
        "external": state.external,
        "remaining": max(0, state.remaining),
    }


def plan_run(runtime: Runtime, frequency: str) -> RunPlan:
    """Price a run of a frequency that is started by hand now: at most what it costs, and nearly that.

    Raises:
        UsageError: there is no such frequency.
        StorageError: Bronze or the ledger cannot be read.
    """
    endpoints, window, resumed = endpoints_of(frequency), None, None
    if frequency == INIT:
        resumed = InitWindow(runtime.settings.metadata_dir).unfinished(runtime.clock.now())
        window = resumed or Window(INIT, runtime.clock.now())
    if resumed is not None:
        endpoints = lacking_endpoints(runtime.bronze_now, resumed)
    priced = price(runtime, endpoints, lambda extractor, now: extractor.estimate(now), window)
    return RunPlan(frequency, priced, runtime.ledger.state(), None if resumed is None else resumed.start)


def price(
    runtime: Runtime,
    endpoints: Collection[str],
    ask: Callable[[BaseExtractor, datetime], Cost],
    window: Window | None = None,
) -> Priced:
    """Let the extractor of each endpoint say what it would ask, as in a run of all of them together.

    A list that Bronze lacks is supposed: a plan is never below what a run costs once there is one.

    An endpoint that turned out dearer than configured this month is reckoned at what it turned out to cost.

    Raises:
        StorageError: Bronze or the ledger cannot be read.
    """
    from cryptoelt.api.client import CoinMarketCapClient
    from cryptoelt.api.governor import Governor
    from cryptoelt.extract import extractors
    from cryptoelt.extract.base import ExtractContext
    from cryptoelt.extract.expected import ExpectedLists

    settings, now, priced = runtime.settings, runtime.clock.now().replace(microsecond=0), Priced()
    expected = ExpectedLists(endpoints, can_grow=window is not None)
    dearest = runtime.ledger.state().dearest
    with CoinMarketCapClient(settings, runtime.ledger, runtime.clock, run_id=runtime.run_id) as client:
        context = ExtractContext(
            client=client,
            bronze=runtime.bronze_now,
            clock=runtime.clock,
            metadata_dir=settings.metadata_dir,
            run_id=runtime.run_id,
            settings=settings.extract,
            budget=settings.budget,
            governor=Governor(runtime.ledger),
            window=window,
            expected=expected,
        )
        for name in endpoints:
            cost = ask(extractors()[name](context), now)
            priced.by_endpoint[name] = Cost(cost.calls, max(cost.credits, cost.calls * dearest.get(name, 0)))
    priced.notes += [f"{name} was never asked: {_supposed(name)} are supposed" for name in sorted(expected.supposed)]
    return priced


def _supposed(endpoint: str) -> str:
    from cryptoelt.extract.expected import SUPPOSED_ROWS

    return counted(SUPPOSED_ROWS[endpoint], "row")
