"""What a run learns from key/info before its first paid call: the time, the limits of the key, what others spent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.key_plan import limits_of
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.errors import ConfigurationError, ExitCode
from cryptoelt.frequencies import endpoints_of
from cryptoelt.pipeline.plan import plan_run
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings
from tests.support.schedule import SimulatedHome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptoelt.results import Result

#: A Monday.
NOW = datetime(2026, 11, 30, 10, 35, tzinfo=UTC)
AUTO = BudgetSettings()


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=7, world="small", start_time=NOW, speed=0, refresh=1) as server:
        yield server


@pytest.fixture
def simulated(home: Path, sandbox: SandboxServer) -> SimulatedHome:
    return SimulatedHome.make(home, sandbox, budget=AUTO).at(NOW)


def off_by(simulated: SimulatedHome, difference: timedelta) -> Result:
    """Run with a clock that is wrong by so much; the API's is right."""
    simulated.clock.moment = NOW + difference
    return simulated.extract("10x", due=False)


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (
            timedelta(days=371),
            "371 days ahead of the API's: it is 2027-12-06T10:35:00Z here, 2026-11-30T10:35:00Z there",
        ),
        (timedelta(hours=-2), "2.0 hours behind the API's: it is 2026-11-30T08:35:00Z here"),
        (timedelta(minutes=11), "11 minutes ahead of the API's"),
    ],
)
def test_a_clock_that_is_far_off_ends_the_run_before_a_credit_is_spent(
    simulated: SimulatedHome, difference: timedelta, words: str
) -> None:
    result = off_by(simulated, difference)

    assert result.exit_code is ExitCode.CONFIGURATION
    assert isinstance(result.error, ConfigurationError)
    assert words in result.error.message
    assert "no credit was spent" in result.error.message
    assert "timedatectl" in result.error.hint
    assert (simulated.asked(), simulated.asked_key_info()) == ([], 1)
    assert not (simulated.settings.home / "lake").exists()
    assert not (simulated.settings.metadata_dir / "credits").exists(), "a month that is not this one has no ledger"


@pytest.mark.parametrize("minutes", [3, -9])
def test_a_clock_that_is_somewhat_off_is_told_and_the_run_goes_on(simulated: SimulatedHome, minutes: int) -> None:
    result = off_by(simulated, timedelta(minutes=minutes))

    assert result.exit_code is ExitCode.DONE
    (notice,) = result.notices
    assert f"{abs(minutes)} minutes {'ahead of' if minutes > 0 else 'behind'}" in notice


@pytest.mark.parametrize("seconds", [0, 90, -90])
def test_a_clock_that_is_right_is_not_spoken_of(simulated: SimulatedHome, seconds: int) -> None:
    assert off_by(simulated, timedelta(seconds=seconds)).notices == []


def test_key_info_is_asked_once_a_run_and_costs_nothing(simulated: SimulatedHome) -> None:
    result = simulated.extract("10x", due=False)

    assert [entry["endpoint"] for entry in simulated.sandbox.served()] == ["key/info", *endpoints_of("10x")]
    assert result.credits.charged == 4


def test_a_window_that_is_answered_asks_nobody(simulated: SimulatedHome) -> None:
    simulated.extract("10x")
    asked = len(simulated.sandbox.served())
    simulated.extract("10x")
    assert len(simulated.sandbox.served()) == asked


def test_the_limits_of_the_key_hold_where_none_is_set_and_are_known_without_asking(simulated: SimulatedHome) -> None:
    settings = simulated.settings
    before = plan_run(Runtime(settings, "plan", simulated.clock), "10x").as_json()
    simulated.extract("10x", due=False)
    after = plan_run(Runtime(settings, "plan", simulated.clock), "10x").as_json()

    assert (before["limit"], before["limit_source"], before["spendable"]) == (10_000, "default", 6_500)
    assert (after["limit"], after["limit_source"], after["spendable"]) == (15_000, "key/info", 9_750)
    assert limits_of(settings)["api.requests_per_minute"].value == 50
    assert simulated.asked_key_info() == 1


@pytest.mark.parametrize(("said", "limit"), [(2_000, 2_000), (300_000, 15_000)])
def test_a_limit_that_is_set_only_lowers_what_the_key_has(
    home: Path, sandbox: SandboxServer, said: int, limit: int
) -> None:
    simulated = SimulatedHome.make(home, sandbox, budget=BudgetSettings(monthly_credits=said, buffer=0)).at(NOW)
    simulated.extract("10x", due=False)
    state = CreditLedger(simulated.settings.metadata_dir, simulated.settings.budget, simulated.clock).state()
    assert (state.limit, state.spendable) == (limit, limit)


def test_a_change_of_plan_is_told_once(simulated: SimulatedHome, sandbox: SandboxServer) -> None:
    first = simulated.extract("10x", due=False)
    sandbox.set_limits(month=450_000, minute=600)
    changed = simulated.extract("10x", due=False)
    again = simulated.extract("10x", due=False)

    assert (first.notices, again.notices) == ([], [])
    (notice,) = changed.notices
    assert notice == (
        "the plan of the key has changed: 450,000 credits a month and 600 requests a minute,"
        " before 15,000 credits a month and 50 requests a minute"
    )


def test_what_others_spent_is_taken_up_by_every_run(simulated: SimulatedHome, sandbox: SandboxServer) -> None:
    """No reservation is open, so a ledger that asks only then would spend as if the key were its own."""
    simulated.extract("10x", due=False)
    sandbox.set_limits(credits_used=9_748)
    result = simulated.extract("10x", due=False)

    state = CreditLedger(simulated.settings.metadata_dir, AUTO, simulated.clock).state()
    assert result.exit_code is ExitCode.BUDGET
    assert (state.charged, state.external, state.remaining) == (4, 9_744, 2)


def test_the_ledger_is_not_written_where_key_info_says_nothing_new(
    simulated: SimulatedHome, sandbox: SandboxServer
) -> None:
    for _ in range(3):
        simulated.extract("10x", due=False)
    (path,) = (simulated.settings.metadata_dir / "credits").glob("*.jsonl")
    events = [json.loads(line)["event"] for line in path.read_text().splitlines()]
    assert events.count("reconcile") == 1


@pytest.mark.parametrize("fault", ["http_503", "http_403_1006", "html", "error_in_200", "empty_data"])
def test_without_key_info_a_run_goes_on_with_what_is_known(
    simulated: SimulatedHome, sandbox: SandboxServer, fault: str
) -> None:
    sandbox.add_fault(f"{fault}@key/info")
    result = simulated.extract("10x", due=False)

    assert result.exit_code is ExitCode.DONE
    assert 1 <= simulated.asked_key_info() <= 2
    assert limits_of(simulated.settings)["budget.monthly_credits"].source == "default"


def test_a_key_that_is_refused_ends_the_run(simulated: SimulatedHome, sandbox: SandboxServer) -> None:
    sandbox.add_fault("http_401_1001@key/info")
    assert simulated.extract("10x", due=False).exit_code is ExitCode.CONFIGURATION
    assert (simulated.asked(), simulated.asked_key_info()) == ([], 1)


def test_another_reset_day_is_told_once(home: Path, sandbox: SandboxServer) -> None:
    simulated = SimulatedHome.make(home, sandbox, budget=BudgetSettings(reset_day=15)).at(NOW)
    notices = [simulated.extract("10x", due=False).notices for _ in range(2)]
    assert notices == [["the credits of the key come back on day 1 of the month, budget.reset_day is 15"], []]


def test_a_memory_that_cannot_be_used_is_as_good_as_none(simulated: SimulatedHome) -> None:
    path = simulated.settings.metadata_dir / "api" / "key.json"
    path.parent.mkdir(parents=True)
    for content in ("", "[]", '{"format": 2}', '{"format": 1, "plan": 3}'):
        path.write_text(content)
        assert limits_of(simulated.settings)["budget.monthly_credits"].value == 10_000
    simulated.extract("10x", due=False)
    assert limits_of(simulated.settings)["budget.monthly_credits"].value == 15_000
