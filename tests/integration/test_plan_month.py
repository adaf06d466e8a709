"""The plan of a month: all its windows, what they cost at the real size, and what does not fit."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.cli import run as command_line
from cryptoelt.errors import ExitCode
from cryptoelt.extract import extractors
from cryptoelt.frequencies import FREQUENCIES, INIT
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.lake.scan_note import ScanNote
from cryptoelt.pipeline.plan import plan_run
from cryptoelt.pipeline.plan_month import MonthPlan, plan_month
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings, Settings
from tests.support.schedule import SimulatedClock, SimulatedHome, firings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

#: 22 weekdays and four Mondays; and the last Sunday before.
OCTOBER, SUNDAY = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 9, 27, 12, tzinfo=UTC)
PRICE = {"10x": 5, "5x": 20}


class FullHome:
    """A home whose Bronze knows a market of the real size: what an init of it has left behind, without its rows."""

    EXCHANGES, DECLARED, PUBLISHERS, COINS, CATEGORIES = 978, 89, 71, 8_160, 300

    def __init__(self, home: Path, budget: BudgetSettings | None = None) -> None:
        self.clock = SimulatedClock(SUNDAY)
        self.runtime = Runtime(Settings(home=home, budget=budget or BudgetSettings()), "plan", self.clock)
        self.bronze = self.runtime.bronze

    def fill(self) -> None:
        """Write what Bronze knows after an init."""
        self._list("exchange/map", [{"id": number} for number in range(1, self.EXCHANGES + 1)])
        infos = [
            {"id": number, "raw": json.dumps({"id": number, "porStatus": int(number <= self.DECLARED)})}
            for number in range(1, self.EXCHANGES + 1)
        ]
        self._list("exchange/info", infos)
        self._list("cryptocurrency/map", [{"id": number} for number in range(1, self.COINS + 1)], page=5_000)
        sizes = [2 + 648 * number // self.CATEGORIES for number in range(self.CATEGORIES - 1)]
        categories = [f"c{number}" for number in range(self.CATEGORIES)]
        rows = [{"id": id_, "num_tokens": size} for id_, size in zip(categories, [*sizes, 3_762], strict=True)]
        self._list("cryptocurrency/categories", rows)
        self._list("cryptocurrency/listings/latest", [{"id": number} for number in range(5_000)])
        self._scan("exchange/assets", [[str(number)] for number in range(1, self.EXCHANGES + 1)], self.PUBLISHERS)
        coins = [str(number) for number in range(1, self.COINS + 1)]
        self._scan("cryptocurrency/info", [coins[start : start + 250] for start in range(0, self.COINS, 250)])
        self._scan("cryptocurrency/category", [[id_] for id_ in categories])

    def month(self, named: str | None = None, at: datetime = SUNDAY) -> MonthPlan:
        self.clock.moment = at
        return plan_month(self.runtime, named)

    def _rows(self, endpoint: str, rows: list[dict[str, Any]]) -> Any:
        import pyarrow as pa

        from cryptoelt.lake.bronze import COMMON_FIELDS

        common = {"snapshot_timestamp": SUNDAY, "call_id": "call", "record_number": 0, "raw": "{}"}
        schema = pa.schema([*COMMON_FIELDS, *(pa.field(c.name, c.type) for c in extractors()[endpoint].columns)])
        return pa.Table.from_pylist([{**common, **row} for row in rows], schema=schema)

    def _list(self, endpoint: str, rows: list[dict[str, Any]], page: int = 10_000) -> None:
        pages = [rows[start : start + page] for start in range(0, len(rows), page)]
        for number, part in enumerate(pages, start=1):
            note = BronzeNote(clean=True, is_last=number == len(pages))
            self.bronze.write(endpoint, SUNDAY, self._rows(endpoint, part), note, number if len(pages) > 1 else None)

    def _scan(self, endpoint: str, batches: list[list[str]], with_rows: int = 0) -> None:
        empty, full = self._rows(endpoint, []), self._rows(endpoint, [{}])
        size = sum(map(len, batches))
        for part, ids in enumerate(batches, start=1):
            scan = ScanNote(SUNDAY, tuple(ids), size, planned=() if part == 1 else None, is_init=True, credits=1)
            note = BronzeNote(clean=True, scan=scan, call_id="call")
            self.bronze.write(endpoint, SUNDAY, full if part <= with_rows else empty, note, part)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("full")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        FullHome(home).fill()
    return home


@pytest.fixture
def full(filled: Path, tmp_path: Path) -> Callable[..., FullHome]:
    """Make a copy of the home with a budget of its own."""

    def make(**budget: Any) -> FullHome:
        home = tmp_path / "full"
        shutil.copytree(filled, home)
        return FullHome(home, BudgetSettings(**budget))

    return make


def test_a_month_of_22_weekdays_costs_at_most_6200_credits(full: Callable[..., FullHome]) -> None:
    plan = full().month("2026-10")
    shown = plan.as_json()
    print(json.dumps({name: shown[name] for name in ("credits", "frequencies", "by_endpoint")}, indent=1))

    assert shown["credits"] <= 6_200
    assert {name: frequency["windows"] for name, frequency in shown["frequencies"].items()} == {
        "10x": 220, "5x": 110, "daily": 22, "weekly": 4,
    }  # fmt: skip
    assert shown["frequencies"]["10x"]["credits"] == 220 * 5
    assert shown["frequencies"]["5x"]["credits"] == 110 * 20
    # The map, those who say that they publish, and a ninetieth of the others.
    assert shown["by_endpoint"]["exchange/map"]["credits"] == 22
    assert shown["by_endpoint"]["exchange/assets"]["credits"] == 22 * (89 + 10)
    assert shown["by_endpoint"]["cryptocurrency/category"]["credits"] == 600
    assert shown["by_endpoint"]["exchange/info"]["credits"] == 4 * 4
    assert shown["frequencies"]["weekly"]["credits"] <= 4 * 8
    assert (shown["limit"], shown["spendable"], shown["fits"], shown["postponed"]) == (10_000, 6_500, True, {})
    assert shown["notes"] == []


def test_a_month_of_any_length_stays_below_the_limit_less_the_buffer(full: Callable[..., FullHome]) -> None:
    home = full()
    for month in ("2026-10", "2026-12", "2027-02", "2027-03"):  # 20 to 23 weekdays, 4 or 5 Mondays
        plan = home.month(month)
        assert (plan.fits, plan.postponed) == (True, {}), month
        assert plan.total <= plan.spendable == 6_500


def test_of_the_present_month_what_is_charged_counts_and_what_is_over_does_not(full: Callable[..., FullHome]) -> None:
    home = full()
    whole = home.month("2026-10")
    ledger, at = home.runtime.ledger, datetime(2026, 10, 15, 20, 30, tzinfo=UTC)
    home.clock.moment = at
    ledger.reserve("fear-and-greed/latest", 30, "one")
    ledger.settle("one", 30)
    ledger.reserve("fear-and-greed/latest", 7, "two")
    rest = home.month(at=at)
    shown = rest.as_json()

    assert rest.is_present
    assert rest.month == whole.month
    assert (shown["charged"], shown["reserved"], shown["total"]) == (30, 7, 37 + shown["credits"])
    # The 19:30 window of the 15th has closed at 20:20; eleven weekdays are to come.
    assert {name: frequency.windows for name, frequency in rest.frequencies.items()} == {
        "10x": 110, "5x": 55, "daily": 11, "weekly": 2,
    }  # fmt: skip
    assert rest.priced.by_endpoint["exchange/assets"].credits == 11 * 99


def test_an_open_window_counts_as_far_as_it_lacks_something(home: Path) -> None:
    with SandboxServer(seed=7, world="small", start_time=SUNDAY, speed=0, minute_limit=10**6) as server:
        simulated = SimulatedHome.make(home, server)
        runtime = Runtime(simulated.settings, "plan", simulated.clock)
        last = datetime(2026, 10, 30, 19, 30, tzinfo=UTC)
        simulated.at(last + timedelta(minutes=5))
        before = plan_month(runtime)
        simulated.extract("10x")
        after = plan_month(runtime)

    assert (before.frequencies["10x"].windows, after.frequencies["10x"].windows) == (1, 0)


def test_the_month_begins_on_the_day_of_the_reset(full: Callable[..., FullHome]) -> None:
    plan = full(reset_day=15).month("2026-10")
    start, end = datetime(2026, 10, 15, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC)

    assert (plan.month.start, plan.month.end) == (start, end)
    assert {name: frequency.windows for name, frequency in plan.frequencies.items()} == {
        name: len(firings(name, start, end)) for name in FREQUENCIES if name != INIT
    }


def test_a_month_that_is_too_small_keeps_what_cannot_wait_and_says_what_is_postponed(
    full: Callable[..., FullHome],
) -> None:
    needed = 220 * 5 + 110 * 20
    plan = full(monthly_credits=2 * (needed + 100), buffer=0.5).month("2026-10")

    assert not plan.fits
    assert {name: frequency.lost for name, frequency in plan.frequencies.items()} == {
        "10x": 0, "5x": 0, "daily": 0, "weekly": 0,
    }  # fmt: skip
    assert {"exchange/assets", "cryptocurrency/category"} <= plan.postponed.keys()
    assert sum(plan.postponed.values()) == plan.total - plan.spendable


def test_a_month_too_small_for_what_cannot_wait_says_how_many_windows_are_lost(full: Callable[..., FullHome]) -> None:
    plan = full(monthly_credits=3_000, buffer=0.0).month("2026-10")

    lost = {name: frequency.lost for name, frequency in plan.frequencies.items()}
    assert lost["10x"] > 0
    assert 0 <= lost["5x"] * 20 + lost["10x"] * 5 - (220 * 5 + 110 * 20 - 3_000) < 25
    assert lost["daily"] == 0
    assert plan.postponed["exchange/assets"] == plan.priced.by_endpoint["exchange/assets"].credits


def test_an_empty_home_has_a_plan_of_its_month_that_says_what_is_supposed(home: Path) -> None:
    plan = plan_month(Runtime(Settings(home=home), "plan", SimulatedClock(SUNDAY)), "2026-10")

    assert 6_000 < plan.total < 6_500
    assert len(plan.priced.notes) == 3
    assert list(home.iterdir()) == []


@pytest.mark.usefixtures("bare_environment")
def test_the_command_shows_a_month_as_json_and_as_plain_lines(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRYPTOELT_HOME", str(home))
    monkeypatch.setenv("CRYPTOELT_BUDGET__MONTHLY_CREDITS", "4000")
    assert command_line(["plan", "--month", "2098-12", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert command_line(["plan", "--month", "2098-12"]) == 0
    lines = capsys.readouterr().out

    assert (shown["schema_version"], shown["month"], shown["fits"]) == (1, "2098-12", False)
    assert shown["credits"] == sum(cost["credits"] for cost in shown["by_endpoint"].values())
    assert shown["credits"] == sum(frequency["credits"] for frequency in shown["frequencies"].values())
    assert "5x\t115\t115\t2300\n" in lines
    assert "of 2,600 in 2098-12: does not fit\n" in lines
    assert "would be lost: raise the limit, or lower the buffer\n" in lines
    assert "\npostponed, to keep credits for what cannot wait: " in lines
    assert "\x1b" not in lines


@pytest.mark.full
def test_a_month_of_daily_and_weekly_runs_at_the_real_size_costs_what_was_planned(home: Path) -> None:
    """All of October: 10x and 5x at their price, everything else asked of the market at its real size."""
    with SandboxServer(seed=5, start_time=SUNDAY, speed=0, minute_limit=10**6, monthly_credits=10**6) as server:
        simulated = SimulatedHome.make(home, server, budget=BudgetSettings()).at(SUNDAY)
        assert simulated.extract("init", due=False).exit_code is ExitCode.DONE
        runtime = Runtime(simulated.settings, "plan", simulated.clock)
        planned = plan_month(runtime, "2026-10")
        spent, end = dict.fromkeys(FREQUENCIES, 0), datetime(2026, 11, 1, tzinfo=UTC)
        lists = [(moment, "10x") for moment in firings("10x", OCTOBER, end) if moment.hour == 19]
        others = [(moment, name) for name in ("daily", "weekly") for moment in firings(name, OCTOBER, end)]
        for moment, frequency in sorted([*lists, *others]):
            simulated.at(moment)
            priced = plan_run(runtime, frequency).priced.cost.credits
            result = simulated.extract(frequency)
            assert result.exit_code is ExitCode.DONE
            assert 0 <= priced - result.credits.charged <= 10, (moment, frequency)
            spent[frequency] += result.credits.charged
    spent |= {name: len(firings(name, OCTOBER, end)) * price for name, price in PRICE.items()}
    print(spent, planned.as_json()["frequencies"])

    assert sum(spent.values()) <= planned.total <= 5_600
