"""The first call of every run that calls: key/info, which is free.

It checks our clock before a credit is spent, says what the plan of the key allows, and reconciles the ledger with what
others have spent with the same key.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cryptoelt.api.catalogue import KEY_INFO
from cryptoelt.api.key_plan import KeyPlan, KeyPlanFile, figure_of
from cryptoelt.api.reconcile import reconcile
from cryptoelt.api.skew import clock_notice
from cryptoelt.errors import STOPS_THE_RUN, ApiUnavailableError, CryptoEltError, StorageError
from cryptoelt.settings_sections import RESET_DAYS

if TYPE_CHECKING:
    from cryptoelt.api.client import CoinMarketCapClient
    from cryptoelt.api.ledger import CreditLedger
    from cryptoelt.clock import Clock
    from cryptoelt.settings import Settings

log = logging.getLogger("cryptoelt.api")


@dataclass(frozen=True)
class KeyReport:
    """What came of asking key/info.

    Attributes:
        reconciled: whether the ledger now says what the provider counts.
        notices: what a person should know.
    """

    reconciled: bool = False
    notices: list[str] = field(default_factory=list)


def ask_key(client: CoinMarketCapClient, ledger: CreditLedger, settings: Settings, clock: Clock) -> KeyReport:
    """Ask key/info: check the clock, take up the limits of the key, and reconcile the ledger.

    The caller holds the run lock, so that no open reservation belongs to a call still under way. Where key/info does
    not answer, what is known goes on to hold.

    Raises:
        ConfigurationError: our clock is wrong by more than `api.clock_tolerance`, or as `CoinMarketCapClient.get`.
        CredentialsError, BudgetError, StorageError, StoppedError: as `CoinMarketCapClient.get`.
    """
    month = ledger.state().month
    try:
        answer = client.ask_key_info()
    except CryptoEltError as exc:
        if isinstance(exc, (*STOPS_THE_RUN, StorageError)):
            raise
        fields = {"reserved": ledger.state().reserved, "error": type(exc).__name__, "message": exc.message}
        log.warning("key.unanswered", extra={"fields": fields})
        if isinstance(exc, ApiUnavailableError):
            return KeyReport()  # the calls that follow tell of it, or it has passed by then
        return KeyReport(notices=[f"clock, limits and credits go unchecked: {exc.message}"])
    skewed = clock_notice(answer, settings.api.clock_tolerance)
    data = answer.records[0].value if answer.records else None
    plan = KeyPlan.of(_member(data, "plan"))
    changed = _take_up(plan, client, settings, clock)
    used, left = _usage(_member(_member(data, "usage"), "current_month"), plan)
    if used is None:
        unseen = f"{KEY_INFO.name} says no usable credits_used: what others spend with this key goes unseen"
        log.warning("credits.not_reconciled", extra={"fields": {"message": unseen}})
        return KeyReport(notices=[notice for notice in (skewed, *changed, unseen) if notice])
    return KeyReport(reconcile(ledger, used, left, month), [notice for notice in (skewed, *changed) if notice])


def _take_up(said: KeyPlan, client: CoinMarketCapClient, settings: Settings, clock: Clock) -> list[str]:
    """Let the limits of a plan hold from now on; return what to say where it is not the one that was known."""
    memory = KeyPlanFile(settings.metadata_dir)
    before = memory.known()
    plan = said.or_else(before)
    if plan == before:
        return []
    memory.remember(plan, clock.now())
    client.limit_requests(plan.request_limit(settings.api).value)
    log.info("key.plan", extra={"fields": asdict(plan)})
    told = []
    if before != KeyPlan() and str(plan) != str(before):
        told.append(f"the plan of the key has changed: {plan}, before {before}")
    day, ours = plan.reset_day, settings.budget.reset_day
    if day in RESET_DAYS and day not in {before.reset_day, ours}:  # of another day nobody could be advised
        told.append(f"the credits of the key come back on day {day} of the month, budget.reset_day is {ours}")
    for notice in told:
        log.warning("key.plan_differs", extra={"fields": {"message": notice}})
    return told


def _usage(month: Any, plan: KeyPlan) -> tuple[int | None, int | None]:
    """Return the credits used and left of the month; None for what is not said, or cannot be."""
    used, left = (figure_of(_member(month, name)) for name in ("credits_used", "credits_left"))
    if used == 0 and left == 0 and plan.credits:  # nothing of something was used, so that something must be left
        log.warning("credits.contradicted", extra={"fields": {"used": used, "left": left, "limit": plan.credits}})
        left = None
    return used, left


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
