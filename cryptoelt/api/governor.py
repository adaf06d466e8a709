"""Keeps credits for what can never be had again, when the rest of the month would not hold everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.api.ledger import CreditLedger


@dataclass(frozen=True)
class Governor:
    """Says how much may be spent on what can wait.

    Attributes:
        ledger: the credits of the month.
        kept: credits that the rest of the month's windows will need that cannot wait; None where nothing is kept, as
            in a run started by hand.
    """

    ledger: CreditLedger
    kept: Callable[[], int] | None = None

    def spare(self) -> int | None:
        """Return the credits that may be spent on what can wait; None where only the budget itself limits.

        Raises:
            StorageError: the ledger cannot be read.
        """
        return None if self.kept is None else max(0, self.ledger.state().remaining - self.kept())
