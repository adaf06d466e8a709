"""Reconciliation: what became of the calls of a process that died, and what others spent, by the provider's count."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptoelt.api.ledger import CreditLedger

log = logging.getLogger("cryptoelt.api")


def reconcile(ledger: CreditLedger, used: int, left: int | None, month: str) -> bool:
    """Settle the reservations that dead processes left open, and take up what others spent with the same key.

    The caller holds the run lock, so that no open reservation belongs to a call still under way.

    Args:
        ledger: the credits of the home.
        used: credits of the month by the provider's count.
        left: credits the provider has left for it, where known.
        month: the month in which the provider was asked.

    Returns:
        Whether the figures were taken: not where the month has ended meanwhile.

    Raises:
        StorageError: the ledger cannot be read or written.
    """
    before = ledger.state()
    done = ledger.reconcile(used, provider_left=left, month=month)
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
