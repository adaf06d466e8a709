"""Reconciliation: what became of the calls of a process that died, by the provider's own count."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cryptoelt.api.catalogue import KEY_INFO
from cryptoelt.api.envelope import whole_number
from cryptoelt.errors import (
    AnswerError,
    ApiUnavailableError,
    CryptoEltError,
    EndpointRefusedError,
    RequestRejectedError,
)

if TYPE_CHECKING:
    from cryptoelt.api.client import CoinMarketCapClient
    from cryptoelt.api.ledger import CreditLedger

log = logging.getLogger("cryptoelt.api")


def reconcile_if_open(client: CoinMarketCapClient, ledger: CreditLedger) -> bool:
    """Settle the reservations that dead processes left open; does nothing, and asks nothing, when there is none.

    The caller holds the run lock, so that no open reservation belongs to a call still under way. While the provider
    cannot be asked, the reservations go on counting as spent.

    Returns:
        Whether the ledger was reconciled.

    Raises:
        ConfigurationError, CredentialsError, BudgetError, StorageError, StoppedError: as `CoinMarketCapClient.get`.
    """
    before = ledger.state()
    if not before.open_reservations:
        return False
    try:
        answer = client.get(KEY_INFO)
        used, left = _month_to_date(answer.records[0].value if answer.records else None)
    except (ApiUnavailableError, EndpointRefusedError, RequestRejectedError, AnswerError) as exc:
        _log_unreconciled(exc, before.reserved)
        return False
    done = ledger.reconcile(used, provider_left=left, month=before.month)
    after = ledger.state()
    fields = {
        "open": len(before.open_reservations),
        "reserved": before.reserved,
        "provider_used": used,
        "provider_left": left,
        "charged": after.charged,
        "external": after.external,
    }
    if after.charged + after.external == used or not done:
        log.info("credits.reconciled", extra={"fields": fields})
    else:
        log.warning("credits.above_provider", extra={"fields": fields})
    return done


def _month_to_date(data: Any) -> tuple[int, int | None]:
    """Return credits used and left of the month, by key/info."""
    month = data
    for name in ("usage", "current_month"):
        month = month.get(name) if isinstance(month, dict) else None
    used = whole_number(month.get("credits_used")) if isinstance(month, dict) else None
    if used is None:
        raise AnswerError(
            f"{KEY_INFO.name}: `usage.current_month.credits_used` is missing", hint="look at the account's own page"
        )
    return used, whole_number(month.get("credits_left"))


def _log_unreconciled(exc: CryptoEltError, reserved: int) -> None:
    log.warning(
        "credits.not_reconciled",
        extra={"fields": {"reserved": reserved, "error": type(exc).__name__, "message": exc.message}},
    )
