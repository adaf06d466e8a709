"""The credit ledger: reserve before each try of a call, settle after it, never cross the limit less the buffer.

All processes of a home share one file a month, `metadata/credits/YYYY-MM.jsonl`, under one file lock.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoelt.api.credit_month import CreditMonth, credit_month_of
from cryptoelt.api.key_plan import BY_DEFAULT, BY_KEY_INFO, KeyPlanFile
from cryptoelt.api.ledger_month import LedgerMonth, Reservation, Sums
from cryptoelt.clock import iso
from cryptoelt.errors import BudgetError
from cryptoelt.locks import file_lock
from cryptoelt.metadata.jsonl import is_there
from cryptoelt.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.clock import Clock
    from cryptoelt.settings import BudgetSettings


@dataclass(frozen=True)
class LedgerState:
    """The credits of the present month.

    Attributes:
        month: the credit month as YYYY-MM.
        limit: the monthly credits: what key/info says, or less where that is set.
        limit_source: who says so: `key/info`, `setting`, or `default` as long as neither does.
        buffer: the share of the limit that is never spent.
        spendable: the limit less the buffer, or the provider's own figure where that is lower.
        charged: settled credits.
        reserved: credits of open reservations; they count as spent.
        external: credits spent by others with the same key, as far as a reconciliation has seen them.
        remaining: what may still be reserved; negative when others overspent.
        by_endpoint: settled credits by endpoint.
        open_reservations: oldest first.
        starts_at: when the month began.
        resets_at: when the next month begins.
        limit_less_buffer: what would be spendable by the limit alone.
        dearest: by endpoint, the highest charge of a call that exceeded its reservation.
    """

    month: str
    limit: int
    limit_source: str
    buffer: float
    spendable: int
    charged: int
    reserved: int
    external: int
    remaining: int
    by_endpoint: dict[str, int]
    open_reservations: tuple[Reservation, ...]
    starts_at: datetime
    resets_at: datetime
    limit_less_buffer: int
    dearest: dict[str, int]

    def why_spendable(self) -> str:
        """Say in words where the spendable figure comes from."""
        if self.spendable < self.limit_less_buffer:
            return "all that the provider has for this key"
        return self.why_limit()

    def why_limit(self) -> str:
        """Say in words what a whole month may cost, whoever else has spent some of the present one."""
        said = {BY_KEY_INFO: " by key/info", BY_DEFAULT: " (key/info was not asked yet)"}.get(self.limit_source, "")
        return f"limit {self.limit:,}{said} less a buffer of {self.buffer * 100:g} %"


class CreditLedger:
    """Counts credits for all processes of a home."""

    def __init__(self, metadata_dir: Path, budget: BudgetSettings, clock: Clock) -> None:
        self._folder = metadata_dir / "credits"
        self._key_plan = KeyPlanFile(metadata_dir)
        self._budget = budget
        self._clock = clock
        self._months: dict[str, LedgerMonth] = {}

    def require(self, endpoint: str, credits: int) -> None:
        """Check that a call could be reserved now, without reserving it.

        Raises:
            BudgetError: it would cross the limit less the buffer.
            StorageError: the ledger cannot be read.
        """
        state, sums = self._state_and_sums()
        self._refuse_excess(endpoint, max(credits, sums.floor.get(endpoint, 0)), state)

    def reserve(self, endpoint: str, credits: int, call_id: str) -> None:
        """Set credits aside for one try of a call; the reservation is durable when this returns.

        An endpoint that once cost more than was reserved for it is reserved at that cost for the rest of the month.

        Raises:
            BudgetError: it would cross the limit less the buffer; nothing is reserved.
            StorageError: the ledger cannot be read or written.
        """
        with self._lock():
            current = self._current()
            month = self._month(current)
            sums = month.sums()
            credits = max(credits, sums.floor.get(endpoint, 0))
            self._refuse_excess(endpoint, credits, self._state_of(current, sums))
            month.append(
                {
                    "event": "reserve",
                    "at": iso(self._clock.now()),
                    "call_id": call_id,
                    "endpoint": endpoint,
                    "credits": credits,
                }
            )

    def settle(self, call_id: str, credits: int) -> None:
        """Record what a call cost, in the month of its reservation.

        Raises:
            StorageError: the ledger cannot be written; the reservation goes on counting as spent.
        """
        with self._lock():
            month, reservation = self._find(call_id)
            # A reservation that is gone (its file was taken away, or reconciled meanwhile) must not hide the cost.
            endpoint = "unknown" if reservation is None else reservation.endpoint
            month.append(
                {
                    "event": "settle",
                    "at": iso(self._clock.now()),
                    "call_id": call_id,
                    "endpoint": endpoint,
                    "credits": max(0, credits),
                }
            )

    def release(self, call_id: str) -> None:
        """Give back the credits of a call that was certainly not charged.

        Raises:
            StorageError: the ledger cannot be written; the reservation goes on counting as spent.
        """
        with self._lock():
            month, _ = self._find(call_id)
            month.append({"event": "release", "at": iso(self._clock.now()), "call_id": call_id})

    def reconcile(self, provider_used: int, *, provider_left: int | None = None, month: str | None = None) -> bool:
        """Settle the open reservations by what the provider counts, and take up what others spent.

        Afterwards charged + external equals the provider's figure. Only where the provider counts less than was already
        settled does charged stay above it: what an answer said it cost is a fact.

        Nothing is written where the ledger says all of that already.

        Args:
            provider_used: credits of this month by the provider's count.
            provider_left: credits the provider has left for this month, where known.
            month: the month the figures belong to; nothing is done when it has ended meanwhile.

        Returns:
            Whether the figures were taken.

        Raises:
            StorageError: the ledger cannot be read or written.
        """
        with self._lock():
            current = self._current()
            if month not in {None, current.name}:
                return False
            book = self._month(current)
            sums = book.sums()
            if sums.agrees_with(provider_used, provider_left):
                return True
            charged = sums.total_charged
            unexplained = max(0, provider_used - charged - sums.external)
            settled: dict[str, int] = {}
            for reservation in sums.open.values():
                settled[reservation.call_id] = min(reservation.credits, unexplained)
                unexplained -= settled[reservation.call_id]
            charged += sum(settled.values())
            book.append(
                {
                    "event": "reconcile",
                    "at": iso(self._clock.now()),
                    "provider_used": provider_used,
                    "provider_left": provider_left,
                    "settled": settled,
                    "external": max(0, provider_used - charged),
                }
            )
            return True

    def state(self) -> LedgerState:
        """Return the present month's figures.

        Raises:
            StorageError: the ledger cannot be read.
        """
        return self._state_and_sums()[0]

    def _state_and_sums(self) -> tuple[LedgerState, Sums]:
        current = self._current()
        month = self._month(current)
        if not is_there(month.path):  # a report on a fresh home leaves no files behind
            return self._state_of(current, Sums()), Sums()
        with self._lock():
            sums = month.sums()
            return self._state_of(current, sums), sums

    def _state_of(self, current: CreditMonth, sums: Sums) -> LedgerState:
        limit = self._key_plan.known().credit_limit(self._budget)
        less_buffer = self._budget.spendable_of(limit.value)
        spendable = less_buffer if sums.ceiling is None else min(less_buffer, sums.ceiling)
        spent = sums.total_charged + sums.reserved + sums.external
        return LedgerState(
            month=current.name,
            limit=limit.value,
            limit_source=limit.source,
            buffer=self._budget.buffer,
            spendable=spendable,
            charged=sums.total_charged,
            reserved=sums.reserved,
            external=sums.external,
            remaining=spendable - spent,
            by_endpoint=dict(sorted(sums.charged.items())),
            open_reservations=tuple(sums.open.values()),
            starts_at=current.start,
            resets_at=current.end,
            limit_less_buffer=less_buffer,
            dearest=dict(sums.floor),
        )

    def _refuse_excess(self, endpoint: str, credits: int, state: LedgerState) -> None:
        left = max(0, state.remaining)
        if credits <= left:
            return
        raise BudgetError(
            f"{endpoint} may cost {counted(credits, 'credit')}, but {left} of {state.spendable} are left in"
            f" {state.month} ({state.why_spendable()})",
            hint=f"credits return at {iso(state.resets_at)}; see `cryptoelt budget`",
            endpoint=endpoint,
            credits=credits,
            remaining=left,
        )

    def _find(self, call_id: str) -> tuple[LedgerMonth, Reservation | None]:
        current = self._current()
        for candidate in (current, current.previous()):
            month = self._month(candidate)
            reservation = month.sums().open.get(call_id)
            if reservation is not None:
                return month, reservation
        return self._month(current), None

    def _current(self) -> CreditMonth:
        return credit_month_of(self._clock.now(), self._budget.reset_day)

    def _month(self, month: CreditMonth) -> LedgerMonth:
        if month.name not in self._months:
            self._months[month.name] = LedgerMonth(self._folder / f"{month.name}.jsonl")
        return self._months[month.name]

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with file_lock(self._folder / ".lock"):
            yield
