from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.budget import BudgetReport, budget_report
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.cli.budget import rows
from cryptoelt.clock import Clock
from cryptoelt.settings import BudgetSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path


class SetClock(Clock):
    """Tells the moment it was given."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def report(home: Path, moment: datetime, charged: int = 0, *, external: int = 0) -> BudgetReport:
    settings = Settings(home=home, budget=BudgetSettings(monthly_credits=1000))
    clock = SetClock(moment)
    ledger = CreditLedger(settings.metadata_dir, settings.budget, clock)
    if charged:
        ledger.reserve("cryptocurrency/categories", charged, "one")
        ledger.settle("one", charged)
        ledger.reserve("global-metrics/quotes/latest", 4, "two")
    if external:
        ledger.reconcile(charged + 4 + external)
    if 0 < external < 100:
        ledger.reserve("global-metrics/quotes/latest", 4, "three")
    return budget_report(settings, clock)


def test_the_report_has_the_promised_shape(tmp_path: Path) -> None:
    # Monday the 9th: six weekdays of November 2026 have begun, fifteen are to come.
    found = json.loads(json.dumps(report(tmp_path, datetime(2026, 11, 9, 10, tzinfo=UTC), 56).as_json()))
    assert found == {
        "month": "2026-11",
        "limit": 1000,
        "limit_source": "setting",
        "buffer": 0.35,
        "spendable": 650,
        "charged": 56,
        "reserved": 4,
        "external": 0,
        "remaining": 590,
        "by_endpoint": {"cryptocurrency/categories": 56},
        "resets_at": "2026-12-01T00:00:00Z",
        "forecast": {"weekdays_gone": 6, "weekdays_left": 15, "per_weekday": 10.0, "at_reset": 210},
    }


def test_remaining_is_never_shown_below_zero(tmp_path: Path) -> None:
    found = report(tmp_path, datetime(2026, 11, 9, tzinfo=UTC), 600, external=300)
    assert found.state.remaining < 0
    assert found.as_json()["remaining"] == 0


def test_before_the_first_weekday_there_is_nothing_to_go_by(tmp_path: Path) -> None:
    found = report(tmp_path, datetime(2026, 11, 1, 12, tzinfo=UTC)).as_json()["forecast"]
    assert found == {"weekdays_gone": 0, "weekdays_left": 21, "per_weekday": None, "at_reset": 0}


def test_the_last_day_has_nothing_left(tmp_path: Path) -> None:
    found = report(tmp_path, datetime(2026, 11, 30, 23, tzinfo=UTC), 206).as_json()["forecast"]
    assert found == {"weekdays_gone": 21, "weekdays_left": 0, "per_weekday": 10.0, "at_reset": 210}


def test_people_see_every_figure(tmp_path: Path) -> None:
    shown = {
        name.strip(): (credits, meaning)
        for name, credits, meaning in rows(report(tmp_path, datetime(2026, 11, 9, tzinfo=UTC), 56, external=10))
    }
    assert shown["charged"] == ("60", "")
    assert shown["cryptocurrency/categories"] == ("56", "")
    assert shown["reserved"] == ("4", "by calls whose end is not known")
    assert shown["external"] == ("10", "spent by others with the same key")
    assert shown["remaining"] == ("576", "until 2026-12-01T00:00:00Z")
    assert shown["forecast"] == ("259", "fits (6 weekdays gone, 15 left, 12 a weekday)")


@pytest.mark.parametrize(("charged", "verdict"), [(180, "fits"), (190, "does not fit")])
def test_the_forecast_says_whether_the_month_fits(tmp_path: Path, charged: int, verdict: str) -> None:
    shown = {name: meaning for name, _, meaning in rows(report(tmp_path, datetime(2026, 11, 9, tzinfo=UTC), charged))}
    assert shown["forecast"].startswith(verdict)
