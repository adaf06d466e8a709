"""Scheduled runs: a window is served once, completed by later firings, and never at the cost of what cannot wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.errors import ExitCode
from cryptoelt.frequencies import FREQUENCIES, Window, endpoints_of
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.status import status_report
from cryptoelt.pipeline.windows import credits_kept, lacking_endpoints
from cryptoelt.results import Status
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings, ExtractSettings
from tests.support.schedule import SimulatedHome, firings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEN = endpoints_of("10x")
MONTH = datetime(2026, 12, 1, tzinfo=UTC)
NEXT_MONTH = datetime(2027, 1, 1, tzinfo=UTC)
#: What the small market costs, and all that a month of 10x and 5x costs at these prices.
_PRICES = {"cryptocurrency/categories": 2, "cryptocurrency/listings/latest": 1}
_PERISHABLE = 23 * (10 * (2 + 1 + 1) + 5 * 1)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A small market that changes, at a moment of its own."""
    start = datetime(2026, 11, 23, 8, tzinfo=UTC)
    with SandboxServer(
        seed=11, world="small-churn", start_time=start, speed=0, minute_limit=10**6, monthly_credits=10**6
    ) as server:
        yield server


@pytest.fixture
def simulated(home: Path, sandbox: SandboxServer) -> SimulatedHome:
    """A home of that market."""
    return SimulatedHome.make(home, sandbox)


def test_outside_of_every_window_nothing_is_asked(simulated: SimulatedHome) -> None:
    result = simulated.at("2026-11-23T10:29:59Z").extract("10x")

    assert (result.status, result.exit_code, result.units) == (Status.NOTHING, ExitCode.DONE, [])
    assert result.reason == "no window of 10x is open; the next opens at 2026-11-23T10:30:00Z"
    assert result.is_quiet
    assert simulated.asked() == []


def test_a_window_is_asked_once_and_carries_its_start(simulated: SimulatedHome) -> None:
    first = simulated.at("2026-11-23T10:40:00Z").extract("10x")
    again = simulated.at("2026-11-23T10:50:00Z").extract("10x")

    start = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    assert first.window_start == again.window_start == start
    assert first.as_json()["window_start"] == "2026-11-23T10:30:00Z"
    assert again.units == []
    assert simulated.asked() == TEN
    files = [simulated.bronze.files(name)[0] for name in TEN]
    assert {simulated.bronze.footer(file).note.window for file in files} == {start}


def test_the_next_window_is_asked_anew(simulated: SimulatedHome) -> None:
    simulated.at("2026-11-23T10:30:00Z").extract("10x")
    simulated.at("2026-11-23T11:30:00Z").extract("10x")
    assert simulated.asked() == [*TEN, *TEN]


def test_a_later_firing_asks_only_what_failed(simulated: SimulatedHome, sandbox: SandboxServer) -> None:
    sandbox.add_fault(f"error_in_200@{TEN[1]}*3")
    failed = simulated.at("2026-11-23T10:30:00Z").extract("10x")
    asked = len(simulated.asked())
    mended = simulated.at("2026-11-23T10:40:00Z").extract("10x")

    assert failed.exit_code is ExitCode.PARTIAL
    assert mended.exit_code is ExitCode.DONE
    assert simulated.asked()[asked:] == [TEN[1]]
    assert [len(simulated.bronze.snapshots(name)) for name in TEN] == [1, 1, 1]


def test_a_run_by_hand_does_not_serve_the_window(simulated: SimulatedHome) -> None:
    simulated.at("2026-11-23T10:31:00Z").extract("10x", due=False)
    simulated.at("2026-11-23T10:40:00Z").extract("10x")
    assert simulated.asked() == [*TEN, *TEN]


def test_a_scan_of_the_window_that_was_cut_short_is_completed_by_the_next_firing(
    simulated: SimulatedHome, sandbox: SandboxServer
) -> None:
    simulated.at("2026-11-20T08:20:00Z").extract("init", due=False)
    before = len(simulated.served("exchange/assets"))
    sandbox.add_fault("http_500@exchange/assets+3")
    cut = simulated.at("2026-11-23T08:20:00Z").extract("daily")
    sandbox.clear_faults()
    told = len(simulated.served("exchange/assets"))
    done = simulated.at("2026-11-23T08:50:00Z").extract("daily")
    again = simulated.at("2026-11-23T09:20:00Z").extract("daily")

    assert cut.exit_code is ExitCode.PARTIAL
    assert told - before == 3
    assert [unit.name for unit in done.units] == ["exchange/assets"]
    assert again.units == []
    ids = [entry["parameters"]["id"] for entry in simulated.served("exchange/assets")[before:]]
    assert len(ids) == len(set(ids))


def test_windows_that_closed_without_an_answer_are_listed_as_missed(simulated: SimulatedHome) -> None:
    for clock in ("10:30", "12:30", "13:30"):
        simulated.at(f"2026-11-23T{clock}:00Z").extract("10x")
    simulated.at("2026-11-23T14:00:00Z")

    report = status_report(simulated.settings, simulated.bronze, simulated.clock, days=7)

    (ten,) = [frequency for frequency in report.frequencies if frequency.name == "10x"]
    assert [(missed.window.start.hour, missed.lacking) for missed in ten.missed] == [(11, TEN)]
    assert ten.next_window == Window(
        "10x", datetime(2026, 11, 23, 14, 30, tzinfo=UTC), datetime(2026, 11, 23, 15, 20, tzinfo=UTC)
    )
    assert report.newest[TEN[0]] == datetime(2026, 11, 23, 13, 30, tzinfo=UTC)


# --- a month ----------------------------------------------------------------------------------------------------------


def month_of_firings() -> list[tuple[datetime, str]]:
    """Every first firing of a month, in order."""
    names = [name for name, frequency in FREQUENCIES.items() if frequency.times]
    return sorted((moment, name) for name in names for moment in firings(name, MONTH, NEXT_MONTH))


@pytest.mark.usefixtures("quick_disk")
def test_who_failed_is_not_excused_by_others_that_were_postponed(home: Path, sandbox: SandboxServer) -> None:
    """Beside the rest of the month there is room for the map and two exchanges, and these two fail."""
    spendable = _PERISHABLE + 1 + 2
    budget = BudgetSettings(monthly_credits=2 * spendable, buffer=0.5, prices=_PRICES)
    simulated = SimulatedHome.make(home, sandbox, budget=budget)
    simulated.at(MONTH - timedelta(days=1)).extract("init", due=False)
    sandbox.add_fault("http_500@exchange/assets")
    result = simulated.at(MONTH.replace(hour=8, minute=20)).extract("daily")

    assert result.exit_code is ExitCode.PARTIAL
    assert result.postponed["exchange/assets"] > 0
    (*_, line) = RunJournal(simulated.settings.metadata_dir).since(MONTH, simulated.clock.now())
    assert line["is_answered"] is False


@pytest.mark.parametrize(
    ("asked", "price"), [({}, 20), ({"listings_version": "v1"}, 25), ({"listings_limit": 10_000}, 40)]
)
def test_what_is_kept_for_listings_is_what_they_cost_as_configured(
    simulated: SimulatedHome, asked: dict[str, Any], price: int
) -> None:
    settings = simulated.settings.model_copy(update={"extract": ExtractSettings(**asked)})
    ledger = CreditLedger(settings.metadata_dir, settings.budget, simulated.clock)
    # On the last weekday of the month: 10x has one window open and three to come, 5x one to come.
    simulated.clock.moment = datetime(2026, 12, 31, 16, 55, tzinfo=UTC)
    with CoinMarketCapClient(settings, ledger, simulated.clock, run_id="run-1") as client:
        kept = credits_kept(settings, simulated.bronze, simulated.clock, client)
    assert kept == 4 * (3 + 1 + 1) + price


def test_in_a_month_too_small_for_everything_what_cannot_wait_is_served_and_the_rest_is_postponed(
    home: Path, sandbox: SandboxServer
) -> None:
    """The limit holds all 10x and 5x windows, and a part of what the rest would cost."""
    budget = BudgetSettings(monthly_credits=2 * (_PERISHABLE + 60), buffer=0.5, prices=_PRICES)
    simulated = SimulatedHome.make(home, sandbox, budget=budget)
    simulated.at(MONTH - timedelta(days=1)).extract("init", due=False)
    ledger = CreditLedger(simulated.settings.metadata_dir, budget, simulated.clock)  # reads only what is new
    postponed: dict[str, int] = {}
    for moment, frequency in month_of_firings():
        result = simulated.at(moment).extract(frequency)
        assert result.exit_code is ExitCode.DONE, (moment, frequency, result.error)
        for name, number in result.postponed.items():
            postponed[name] = postponed.get(name, 0) + number
        state = ledger.state()
        assert state.charged + state.reserved <= budget.spendable

    for frequency in ("10x", "5x"):
        for window in FREQUENCIES[frequency].windows(MONTH, NEXT_MONTH):
            assert lacking_endpoints(simulated.bronze, window) == []
    assert {"exchange/assets", "cryptocurrency/category"} <= postponed.keys()
    assert sandbox.usage()["credits"] <= budget.spendable
