"""All frequencies together, over days: the warehouse holds what was served, whatever stopped in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import ExitCode
from cryptoelt.frequencies import FREQUENCIES, endpoints_of, tables_of
from cryptoelt.pipeline.jobs import Job
from cryptoelt.quality.checks import Severity, chosen_checks
from cryptoelt.quality.run import run_checks
from cryptoelt.results import Phase, Status
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.warehouse.engine import Warehouse
from tests.support.schedule import SimulatedHome, firings
from tests.support.truth import Found, Truth, check_everything

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptoelt.spark import SparkHost

pytestmark = pytest.mark.usefixtures("quick_disk")

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
SCHEDULED = [name for name, frequency in FREQUENCIES.items() if frequency.times]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A small market in which all changes fast."""
    with SandboxServer(
        seed=23, world="small-churn", start_time=SUNDAY, speed=0, minute_limit=10**6, monthly_credits=10**6
    ) as server:
        yield server


@pytest.fixture
def simulated(home: Path, sandbox: SandboxServer, warehouse: Warehouse, spark_host: SparkHost) -> SimulatedHome:
    """A home of that market with a warehouse."""
    return SimulatedHome.make(home, sandbox, warehouse=warehouse.url, host=spark_host)


def test_after_a_day_of_all_frequencies_and_the_next_morning_the_warehouse_holds_what_was_served(
    simulated: SimulatedHome, sandbox: SandboxServer, warehouse: Warehouse
) -> None:
    first = simulated.at(SUNDAY).run("init", due=False)
    assert first.exit_code is ExitCode.DONE, first.error
    first_day = {name: firings(name, MONDAY, MONDAY + timedelta(days=1)) for name in SCHEDULED}
    next_day = {name: firings(name, MONDAY + timedelta(days=1), MONDAY + timedelta(days=2))[:1] for name in SCHEDULED}
    times = sorted((moment, name) for day in (first_day, next_day) for name in day for moment in day[name])
    assert len(times) == (10 + 5 + 1 + 1) + (1 + 1 + 1)
    for moment, name in times:
        result = simulated.at(moment).run(name)
        assert (result.exit_code, result.window_start) == (ExitCode.DONE, moment), (name, result.error)
        asked = len(simulated.asked())
        again = simulated.at(moment + timedelta(minutes=10)).run(name)
        assert (again.status, again.is_quiet, again.units) == (Status.NOTHING, True, [])
        assert len(simulated.asked()) == asked

    check_everything(Truth(sandbox), warehouse)
    report = run_checks(Warehouse(warehouse.url, simulated.clock), chosen_checks(), "by hand", full=True)
    assert [str(outcome) for outcome in [*report.found(Severity.ERROR), *report.broken]] == []
    assert report.found(Severity.WARNING) == []
    found = Found(warehouse)
    assert len(found.by_snapshot("fact_crypto_market", "crypto_id")) == 1 + 5 + 1
    assert len(found.by_snapshot("fact_global_market", "btc_dominance")) == 1 + 10 + 1
    assert len(found.by_snapshot("dim_crypto_map", "crypto_id")) == 1 + 2


def test_what_was_fetched_before_a_stop_between_phases_is_loaded_by_the_next_run(
    simulated: SimulatedHome, sandbox: SandboxServer, warehouse: Warehouse
) -> None:
    simulated.at(MONDAY).run("init", due=False)
    for day, frequency in enumerate(("5x", "daily")):
        start, tables = MONDAY + timedelta(days=day), tables_of(frequency)
        for hours, job in enumerate((Job(endpoints=endpoints_of(frequency)), Job(transform=tables)), start=1):
            simulated.at(start + timedelta(hours=hours)).do(job)
        result = simulated.at(start + timedelta(hours=3)).run(frequency, due=False)
        loads = [unit for unit in result.units if unit.phase is Phase.LOAD]
        # On the second scan of a day nobody's members may be due.
        least = {table: 1 if table == "link_crypto_category" else 2 for table in tables}
        assert all(len(unit.snapshots) >= least[unit.name] for unit in loads)

    check_everything(Truth(sandbox), warehouse)
