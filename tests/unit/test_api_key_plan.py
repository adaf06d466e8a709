"""What key/info says of a plan, and what of it is no figure at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.key_plan import KeyPlan, limits_of
from cryptoelt.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

CREDITS, REQUESTS = "credit_limit_monthly", "rate_limit_minute"


@pytest.mark.parametrize("figure", [10**400, 10**12 + 1, 1e300], ids=["huge", "just above", "float"])
def test_a_limit_that_no_plan_can_have_is_none(figure: float) -> None:
    assert KeyPlan.of({CREDITS: figure, REQUESTS: figure}) == KeyPlan()
    assert KeyPlan.of({CREDITS: 10**12, REQUESTS: figure}) == KeyPlan(credits=10**12)


def test_a_memory_of_such_a_limit_is_read_as_unknown(home: Path) -> None:
    path = home / "metadata" / "api" / "key.json"
    path.parent.mkdir(parents=True)
    said = {"format": 1, "plan": {CREDITS: 10**400, REQUESTS: 50}, "reset_day": 10**400}
    path.write_text(json.dumps(said))
    limits = limits_of(Settings(home=home))
    assert (limits["budget.monthly_credits"].value, limits["budget.monthly_credits"].source) == (10_000, "default")
    assert limits["api.requests_per_minute"].value == 50
