"""Snapshots that a wrong clock has stamped with a time to come: nothing may go by them, and they are named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import FUTURE
from cryptoelt.errors import ExitCode
from cryptoelt.frequencies import Window, endpoints_of
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.plan import plan_run
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.pipeline.status import status_report
from cryptoelt.pipeline.windows import WindowLog
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings
from tests.support.schedule import SimulatedHome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A Monday, within the grace of the 10:30 window.
NOW = datetime(2026, 11, 30, 10, 35, tzinfo=UTC)
TENFOLD = endpoints_of("10x")
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def simulated(home: Path) -> Iterator[SimulatedHome]:
    with SandboxServer(seed=7, world="small", start_time=NOW, speed=0, refresh=1, minute_limit=10**6) as sandbox:
        yield SimulatedHome.make(home, sandbox, budget=BudgetSettings(monthly_credits=10**6))


def wrongly_at(simulated: SimulatedHome, moment: datetime, frequency: str = "10x", *, due: bool = True) -> None:
    """Run at a moment to come, with key/info that does not answer: nothing finds out."""
    simulated.sandbox.add_fault("http_503@key/info")
    simulated.at(moment).extract(frequency, due=due)
    simulated.sandbox.clear_faults()
    simulated.at(NOW)


def stamps(simulated: SimulatedHome, endpoint: str) -> list[datetime]:
    return [source.snapshot for source in simulated.bronze.snapshots(endpoint)]


@pytest.mark.parametrize("ahead", [timedelta(days=371), timedelta(hours=2)])
def test_after_a_run_with_the_clock_ahead_each_window_is_asked_once_and_stamped_truly(
    simulated: SimulatedHome, ahead: timedelta
) -> None:
    wrongly_at(simulated, NOW + ahead)
    asked = len(simulated.asked())
    results = [simulated.at(NOW + timedelta(minutes=minutes)).extract("10x") for minutes in (0, 10, 20)]

    assert simulated.asked()[asked:] == TENFOLD
    assert [result.exit_code for result in results] == [ExitCode.DONE] * 3
    assert [result.credits.charged for result in results] == [4, 0, 0]
    for endpoint in TENFOLD:
        assert stamps(simulated, endpoint) == [NOW, NOW + ahead]


def test_snapshots_in_the_future_are_named_by_the_run_and_by_status(simulated: SimulatedHome) -> None:
    wrongly_at(simulated, NOW + timedelta(days=371))
    result = simulated.extract("10x")
    report = status_report(simulated.settings, simulated.bronze, simulated.clock, days=7)

    (notice,) = result.notices
    assert "3 snapshots in the future" in notice
    assert "fear-and-greed/latest 2027-12-06T10:35:00Z" in notice
    assert "cryptoelt bronze set-aside --future" in notice
    assert report.notices == [notice]
    assert {entry["endpoint"]: entry["from"] for entry in report.as_json()["future"]} == dict.fromkeys(
        TENFOLD, "2027-12-06T10:35:00Z"
    )
    ages = {entry["endpoint"]: entry["age_seconds"] for entry in report.as_json()["freshness"]}
    assert [ages[name] for name in TENFOLD] == [0, 0, 0]
    (tenfold,) = [frequency for frequency in report.frequencies if frequency.name == "10x"]
    assert tenfold.missed == []
    assert tenfold.last_run is not None
    assert tenfold.last_run["run_id"] == result.run_id, "not the run of next year"


def test_a_snapshot_that_is_only_a_little_ahead_is_followed(simulated: SimulatedHome) -> None:
    """A clock that stepped back: the next snapshot of an endpoint stands above its last, and the window is answered."""
    ahead = NOW + FUTURE - timedelta(seconds=1)
    simulated.sandbox.add_fault("http_503@key/info")
    simulated.at(ahead).extract("10x", due=False)
    result = simulated.at(NOW).extract("10x")

    assert result.notices == []
    assert stamps(simulated, TENFOLD[0]) == [ahead, ahead + timedelta(seconds=1)]
    assert simulated.extract("10x").credits.charged == 0


def test_the_windows_answer_counts_also_where_its_snapshot_ran_a_little_past_the_end(simulated: SimulatedHome) -> None:
    """The window carried by the file decides, not whether its snapshot lies between start and end."""
    last_minute = NOW.replace(hour=11, minute=19, second=50)
    simulated.sandbox.add_fault("http_503@key/info")
    simulated.at(last_minute + timedelta(minutes=5)).extract("10x", due=False)
    simulated.at(last_minute).extract("10x")
    again = simulated.at(last_minute + timedelta(seconds=5)).extract("10x")
    assert again.credits.charged == 0


def test_whom_to_ask_is_not_taken_from_a_list_of_the_future(simulated: SimulatedHome) -> None:
    """The maps, and who was asked when: a scan by a list of next year would ask, or leave out, the wrong ones."""
    simulated.at(NOW).extract("daily", due=False)
    wrongly_at(simulated, NOW + timedelta(days=371), "daily", due=False)
    simulated.at(NOW + timedelta(days=1))
    before = len(simulated.served("exchange/assets"))
    plan = plan_run(Runtime(simulated.settings, "plan", simulated.clock), "daily").as_json()
    simulated.extract("daily", due=False)
    asked = simulated.served("exchange/assets")[before:]

    assert 0 < len(asked) <= plan["by_endpoint"]["exchange/assets"]["calls"]
    assert max(stamps(simulated, "exchange/assets")[:-1]) == NOW + timedelta(days=1)


def test_a_run_that_says_it_ended_in_the_future_has_done_no_window(tmp_path: Path) -> None:
    window = Window("10x", NOW.replace(minute=30), NOW.replace(hour=11, minute=20))
    line = {"frequency": "10x", "window_start": "2026-11-30T10:30:00Z", "is_complete": True, "warehouse": "embedded"}
    journal = RunJournal(tmp_path)
    journal.append(NOW, {**line, "ended_at": "2026-11-30T12:35:00Z"})
    log = WindowLog(journal, "embedded")

    assert not log.is_done(window, NOW)
    journal.append(NOW, {**line, "ended_at": "2026-11-30T10:36:00Z"})
    assert log.is_done(window, NOW)
    journal.append(NOW, {**line, "ended_at": "2026-11-30T10:37:00Z", "is_complete": False, "voided": True})
    assert not log.is_done(window, NOW), "its answers were taken out"
