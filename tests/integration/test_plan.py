"""Plans: never below what a healthy run then costs, hardly above it, and made without a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.cli import run as command_line
from cryptoelt.errors import ExitCode, UsageError
from cryptoelt.extract.expected import SUPPOSED_ROWS
from cryptoelt.frequencies import FREQUENCIES, endpoints_of
from cryptoelt.pipeline.plan import RunPlan, plan_run
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.sandbox.market.categories import categories
from cryptoelt.sandbox.market.coins import roster
from cryptoelt.sandbox.market.exchanges import exchanges
from cryptoelt.sandbox.market.world import WORLDS, Market
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings
from tests.support.schedule import SimulatedHome, firings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
#: By how much a plan may be above the charge.
ABOVE = {"10x": 1, "5x": 1, "daily": 10, "weekly": 5}


def market(world: str, seed: int = 5) -> SandboxServer:
    return SandboxServer(seed=seed, world=world, start_time=SUNDAY, speed=0, minute_limit=10**6, monthly_credits=10**6)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A small market in which all changes fast."""
    with market("small-churn") as server:
        yield server


@pytest.fixture
def simulated(home: Path, sandbox: SandboxServer) -> SimulatedHome:
    """A home of that market, whose share for memberships is too small for all of them."""
    return SimulatedHome.make(home, sandbox, budget=BudgetSettings(category_share=0.01))


def plan(simulated: SimulatedHome, frequency: str) -> RunPlan:
    return plan_run(Runtime(simulated.settings, "plan", simulated.clock), frequency)


def files_of(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def test_over_weeks_of_change_a_plan_is_never_below_the_charge_and_hardly_above(simulated: SimulatedHome) -> None:
    simulated.at(SUNDAY).extract("init", due=False)
    end = MONDAY + timedelta(weeks=3)
    times = [(moment, name) for name in ("daily", "weekly") for moment in firings(name, MONDAY, end)]
    times += [(moment, "5x") for moment in firings("5x", MONDAY, end) if moment.hour == 9]
    times += [(moment, "10x") for moment in firings("10x", MONDAY, end) if moment.hour == 19]
    above: dict[str, list[int]] = {name: [] for name in ABOVE}
    asked = set()
    for moment, frequency in sorted(times):
        planned = plan(simulated.at(moment), frequency).priced
        before = len(simulated.sandbox.served())
        result = simulated.extract(frequency)
        calls = [entry for entry in simulated.sandbox.served()[before:] if entry["endpoint"] != "key/info"]
        charged = sum(entry["credits"] for entry in calls)

        assert (result.exit_code, result.credits.charged) == (ExitCode.DONE, charged)
        above[frequency].append(planned.cost.credits - charged)
        answered = sum(entry["error_code"] == 0 for entry in calls)
        assert planned.cost.calls >= answered, (moment, frequency)
        asked.add(answered)

    assert {name: (min(found), max(found)) for name, found in above.items() if min(found) < 0} == {}
    assert {name: max(found) for name, found in above.items() if max(found) > ABOVE[name]} == {}
    assert len(asked) > 5, "the market has changed what is asked"


@pytest.mark.parametrize("world", ["small-churn", "medium"])
def test_an_init_of_an_empty_home_costs_no_more_than_planned_and_the_plan_says_what_it_supposes(
    home: Path, world: str
) -> None:
    with market(world) as server:
        simulated = SimulatedHome.make(home, server).at(SUNDAY)
        planned = plan(simulated, "init")
        result = simulated.extract("init", due=False)

    assert result.exit_code is ExitCode.DONE
    assert planned.priced.cost.credits >= result.credits.charged > 0
    assert list(planned.priced.by_endpoint) == endpoints_of("init")
    assert len(planned.priced.notes) == 3
    assert all("supposed" in note for note in planned.priced.notes)


def test_an_init_of_a_filled_home_is_planned_from_what_is_there(simulated: SimulatedHome) -> None:
    simulated.at(SUNDAY).extract("init", due=False)
    (simulated.settings.metadata_dir / "init.json").unlink()
    planned = plan(simulated.at(MONDAY), "init")
    result = simulated.extract("init", due=False)

    assert planned.priced.notes == []
    assert result.credits.charged <= planned.priced.cost.credits <= result.credits.charged + 20


def test_an_init_left_unfinished_is_planned_as_far_as_something_is_missing(simulated: SimulatedHome) -> None:
    simulated.sandbox.add_fault("http_400@exchange/assets+3")
    simulated.at(SUNDAY).extract("init", due=False)
    simulated.sandbox.clear_faults()
    planned = plan(simulated.at(MONDAY), "init")
    before = len(simulated.asked())
    simulated.extract("init", due=False)

    assert planned.window_start == SUNDAY
    assert planned.priced.by_endpoint.keys() == {"exchange/assets"} == set(simulated.asked()[before:])
    assert planned.priced.cost.calls == planned.priced.cost.credits == len(simulated.asked()) - before


def test_a_scan_left_unfinished_today_is_planned_as_far_as_something_is_missing(simulated: SimulatedHome) -> None:
    simulated.at(SUNDAY).extract("init", due=False)
    simulated.sandbox.add_fault("http_500@exchange/assets+2")
    simulated.at(MONDAY.replace(hour=8)).extract("daily", due=False)
    simulated.sandbox.clear_faults()
    planned = plan(simulated, "daily").priced.by_endpoint["exchange/assets"]
    before = len(simulated.served("exchange/assets"))
    simulated.extract("daily", due=False)

    assert 0 <= planned.calls - (len(simulated.served("exchange/assets")) - before) <= 4


def test_a_plan_asks_nobody_and_leaves_nothing(simulated: SimulatedHome) -> None:
    for frequency in FREQUENCIES:
        plan(simulated.at(SUNDAY), frequency)
        assert files_of(simulated.settings.home) == {}
    simulated.extract("init", due=False)
    before, asked = files_of(simulated.settings.home), simulated.asked()
    for frequency in FREQUENCIES:
        plan(simulated, frequency)

    assert files_of(simulated.settings.home) == before
    assert simulated.asked() == asked


def test_in_an_empty_home_what_nobody_says_yet_is_supposed_and_never_below_what_is_asked_later(
    simulated: SimulatedHome,
) -> None:
    daily, weekly = (plan(simulated.at(MONDAY), frequency).priced for frequency in ("daily", "weekly"))
    simulated.extract("init", due=False)
    simulated.at(MONDAY + timedelta(days=1))

    assert all("was never asked" in note and "supposed" in note for note in (*daily.notes, *weekly.notes))
    # In 2026 it is 89 that say they publish, and a ninetieth of 889 others.
    assert daily.by_endpoint["exchange/assets"].credits >= 89 + 10
    for frequency, planned in (("daily", daily), ("weekly", weekly)):
        assert planned.cost.credits >= simulated.extract(frequency, due=False).credits.charged > 0


def test_what_is_supposed_is_hardly_more_than_the_full_market_has() -> None:
    full, moment = Market(1, WORLDS["full"]), SUNDAY.timestamp()
    there = {
        "exchange/map": len(exchanges(full, moment)),
        "cryptocurrency/map": len(roster(full, moment).mapped),
        "cryptocurrency/categories": len(categories(full, moment)),
    }
    assert there.keys() == SUPPOSED_ROWS.keys()
    assert all(there[name] < supposed < 1.2 * there[name] for name, supposed in SUPPOSED_ROWS.items())


def test_an_unknown_frequency_is_wrong_usage(simulated: SimulatedHome) -> None:
    with pytest.raises(UsageError, match="unknown frequency '11x'"):
        plan(simulated, "11x")


# --- what is charged in the end ---------------------------------------------------------------------------------------


def test_a_run_tells_what_was_planned_and_charged_and_why_they_differ(simulated: SimulatedHome) -> None:
    simulated.at(MONDAY).extract("10x", due=False)
    name = "global-metrics/quotes/latest"
    simulated.sandbox.add_fault("bad_price", endpoint=name, value="3")
    planned = plan(simulated.at(MONDAY + timedelta(hours=1)), "10x").priced.cost.credits
    result = simulated.extract("10x", due=False)
    shown = result.as_json()

    assert shown["credits"] == {"planned": planned, "charged": planned + 3}
    assert {unit["name"]: unit["credits"] for unit in shown["units"]}[name] == {"planned": 1, "charged": 4}
    assert result.notices == [f"price drift: {name} cost 4 credits, the configured price is 1; set [budget.prices]"]
    assert shown["notices"] == result.notices

    # What was dearer than configured is reckoned at what it cost, until the price is set.
    again = plan(simulated, "10x").priced
    assert (again.cost.credits, again.by_endpoint[name].credits) == (planned + 3, 4)


def test_with_the_price_set_plan_and_charge_agree(home: Path, sandbox: SandboxServer) -> None:
    name = "global-metrics/quotes/latest"
    simulated = SimulatedHome.make(home, sandbox, budget=BudgetSettings(prices={name: 4})).at(MONDAY)
    sandbox.add_fault("bad_price", endpoint=name, value="3")
    simulated.extract("10x", due=False)
    planned = plan(simulated, "10x").priced.cost.credits
    result = simulated.extract("10x", due=False)

    assert (result.credits.planned, result.credits.charged, result.notices) == (planned, planned, [])


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def in_home(bare_environment: None, monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    monkeypatch.setenv("CRYPTOELT_HOME", str(home))
    return home


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_json_of_a_plan_has_the_documented_keys(
    in_home: Path, capsys: pytest.CaptureFixture[str], frequency: str
) -> None:
    assert command_line(["plan", "--freq", frequency, "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert (shown["schema_version"], shown["command"], shown["frequency"]) == (1, "plan", frequency)
    check_sums(shown)
    assert list(shown["by_endpoint"]) == endpoints_of(frequency)
    assert (shown["spendable"], shown["remaining"], shown["fits"]) == (6500, 6500, True)
    assert list(in_home.iterdir()) == []


def check_sums(shown: dict[str, Any]) -> None:
    assert all(set(cost) == {"calls", "credits"} for cost in shown["by_endpoint"].values())
    for name in ("calls", "credits"):
        assert shown[name] == sum(cost[name] for cost in shown["by_endpoint"].values())


@pytest.mark.usefixtures("in_home")
def test_off_a_terminal_a_plan_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line(["plan", "--freq", "10x"]) == 0

    shown = capsys.readouterr()
    assert shown.err == ""
    assert "\x1b" not in shown.out
    lines = shown.out.splitlines()
    assert lines[:2] == ["endpoint\tcalls\tcredits", "cryptocurrency/categories\t1\t3"]
    assert lines[-3] == "all\t3\t5"
    assert lines[-2].startswith("at most 5 credits; 6,500 of 6,500 are left in ")
    assert lines[-2].endswith(": fits")
    assert lines[-1] == "spendable: limit 10,000 (key/info was not asked yet) less a buffer of 35 %"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--freq", "10x", "--month", "2026-12"], "--freq and --month do not go together"),
        (["--freq", "11x"], "unknown frequency '11x'"),
        (["--month", "2026-13"], "--month 2026-13: not a month"),
        (["--month", "december"], "--month december: not a month"),
        (["--month", "2026-1"], "--month 2026-1: not a month"),
        (["--month", "2020-01"], "--month 2020-01: that month is over"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_input_is_code_2_and_one_clear_line(
    in_home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str, as_json: bool
) -> None:
    assert command_line(["plan", *arguments, *(["--json"] if as_json else [])]) == 2

    shown = capsys.readouterr()
    error, hint = shown.err.splitlines()
    assert error == f"error: {message}"
    assert hint.startswith("hint: ")
    assert (json.loads(shown.out)["error"]["message"] if as_json else shown.out) == (message if as_json else "")
    assert list(in_home.iterdir()) == []
