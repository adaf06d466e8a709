"""What key/info said of the key's plan, remembered between runs: `metadata/api/key.json`.

It is the default of the limits that are not set, so that `plan`, `budget` and `status` know it without asking.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cryptoelt.api.envelope import moment_of, whole_number
from cryptoelt.api.state_file import read_json, replace_json
from cryptoelt.clock import iso

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.settings import ApiSettings, BudgetSettings, Settings

log = logging.getLogger("cryptoelt.api")

_CREDITS_NAME, _REQUESTS_NAME = "credit_limit_monthly", "rate_limit_minute"
_RESET_NAME = "credit_limit_monthly_reset_timestamp"
#: What holds until key/info was asked: the free plan as it was before 2026, on the safe side of today's.
_CREDITS = 10_000
_REQUESTS = 30
#: No plan allows more; a larger number is a mistake of the provider's, and must not become a limit of ours.
_LARGEST = 10**12
_DAYS = range(1, 32)
BY_KEY_INFO, BY_SETTING, BY_DEFAULT = "key/info", "setting", "default"


@dataclass(frozen=True)
class Limit:
    """A limit that holds.

    Attributes:
        source: who says so: `key/info`, `setting`, or `default` as long as neither does.
    """

    value: int
    source: str


@dataclass(frozen=True)
class KeyPlan:
    """What the plan of a key allows; None where key/info did not say.

    Attributes:
        credits: in a month.
        requests: in a minute.
        reset_day: the day of the month on which its credits come back.
    """

    credits: int | None = None
    requests: int | None = None
    reset_day: int | None = None

    @classmethod
    def of(cls, plan: Any) -> KeyPlan:
        """Read `data.plan` of key/info; a limit of 0 is none, nor is one that no plan can have."""
        said = plan if isinstance(plan, dict) else {}
        credits, requests = (figure_of(said.get(name)) for name in (_CREDITS_NAME, _REQUESTS_NAME))
        reset = moment_of(said.get(_RESET_NAME))
        return cls(credits or None, requests or None, None if reset is None else reset.day)

    def or_else(self, before: KeyPlan) -> KeyPlan:
        """Return this plan, with what it does not say taken from an earlier one."""
        return KeyPlan(
            self.credits or before.credits, self.requests or before.requests, self.reset_day or before.reset_day
        )

    def credit_limit(self, budget: BudgetSettings) -> Limit:
        """Return the credits of a month: what key/info says, or less where that is set."""
        return _lower(budget.monthly_credits, self.credits, _CREDITS)

    def request_limit(self, api: ApiSettings) -> Limit:
        """Return the requests of a minute: what key/info says, or less where that is set."""
        return _lower(api.requests_per_minute, self.requests, _REQUESTS)

    def __str__(self) -> str:
        credits = "?" if self.credits is None else f"{self.credits:,}"
        return f"{credits} credits a month and {self.requests or '?'} requests a minute"


class KeyPlanFile:
    """The memory of a home."""

    def __init__(self, metadata_dir: Path) -> None:
        self._path = metadata_dir / "api" / "key.json"

    def known(self) -> KeyPlan:
        """Return what was said last; a plan that says nothing where nobody was asked, or the file cannot be used.

        The limits of before 2026 hold then: on the safe side, and only until the next run asks.

        Raises:
            StorageError: the file is there and may not be read.
        """
        try:
            said = read_json(self._path)
        except ValueError as exc:
            log.warning("key.unusable", extra={"fields": {"path": str(self._path), "message": str(exc)}})
            said = None
        if said is None:
            return KeyPlan()
        plan = KeyPlan.of(said.values.get("plan"))
        day = whole_number(said.values.get("reset_day"))
        return replace(plan, reset_day=day if day in _DAYS else None)

    def remember(self, plan: KeyPlan, now: datetime) -> None:
        """Note durably what key/info said.

        Raises:
            StorageError: the file cannot be written.
        """
        limits = {_CREDITS_NAME: plan.credits, _REQUESTS_NAME: plan.requests}
        said = {"plan": limits, "reset_day": plan.reset_day, "asked_at": iso(now)}
        replace_json(self._path, said, durable=True)


def figure_of(value: object) -> int | None:
    """Return a number of credits or requests that key/info says; None for what cannot be one."""
    number = whole_number(value)
    return number if number is not None and number <= _LARGEST else None


def limits_of(settings: Settings) -> dict[str, Limit]:
    """Return the limits that hold in a home, by the setting that would lower them.

    Raises:
        StorageError: the memory of the home may not be read.
    """
    plan = KeyPlanFile(settings.metadata_dir).known()
    return {
        "budget.monthly_credits": plan.credit_limit(settings.budget),
        "api.requests_per_minute": plan.request_limit(settings.api),
    }


def _lower(said: int | None, known: int | None, default: int) -> Limit:
    if said is not None and (known is None or said <= known):
        return Limit(said, BY_SETTING)
    return Limit(default, BY_DEFAULT) if known is None else Limit(known, BY_KEY_INFO)
