from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.credit_month import credit_month_of
from cryptoelt.api.ledger import CreditLedger, LedgerState
from cryptoelt.clock import Clock
from cryptoelt.errors import BudgetError, ExitCode, StorageError
from cryptoelt.settings import BudgetSettings

if TYPE_CHECKING:
    from pathlib import Path

MORNING = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


class SetClock(Clock):
    """Tells the moment it was given."""

    def __init__(self, moment: datetime = MORNING) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def ledger(
    home: Path, clock: Clock | None = None, *, limit: int = 100, buffer: float = 0.35, day: int = 1
) -> CreditLedger:
    budget = BudgetSettings(monthly_credits=limit, buffer=buffer, reset_day=day)
    return CreditLedger(home, budget, clock or SetClock())


def spend(book: CreditLedger, call_id: str, credits: int, endpoint: str = "a") -> None:
    book.reserve(endpoint, credits, call_id)
    book.settle(call_id, credits)


def figures(state: LedgerState) -> tuple[int, int, int, int]:
    return state.charged, state.reserved, state.external, state.remaining


def ledger_file(home: Path, month: str = "2026-11") -> Path:
    return home / "credits" / f"{month}.jsonl"


# --- the credit month -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "day", "name", "end"),
    [
        ("2026-11-01T00:00:00+00:00", 1, "2026-11", "2026-12-01"),
        ("2026-10-31T23:59:59.999999+00:00", 1, "2026-10", "2026-11-01"),
        ("2026-11-01T00:30:00+02:00", 1, "2026-10", "2026-11-01"),
        ("2026-11-14T23:59:59+00:00", 15, "2026-10", "2026-11-15"),
        ("2026-11-15T00:00:00+00:00", 15, "2026-11", "2026-12-15"),
        ("2027-01-02T00:00:00+00:00", 28, "2026-12", "2027-01-28"),
        ("2026-12-31T12:00:00+00:00", 28, "2026-12", "2027-01-28"),
    ],
)
def test_the_credit_month_starts_on_its_day_in_utc(moment: str, day: int, name: str, end: str) -> None:
    month = credit_month_of(datetime.fromisoformat(moment), day)
    assert month.name == name
    assert month.end == datetime.fromisoformat(f"{end}T00:00:00+00:00")
    assert month.previous().end == month.start


# --- reserve, settle, release -----------------------------------------------------------------------------------------


def test_a_fresh_ledger_has_everything_left_and_leaves_no_file(tmp_path: Path) -> None:
    state = ledger(tmp_path).state()
    assert (state.month, state.limit, state.spendable) == ("2026-11", 100, 65)
    assert figures(state) == (0, 0, 0, 65)
    assert list(tmp_path.iterdir()) == []


def test_credits_go_from_reserved_to_charged_or_back(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.reserve("a", 3, "one")
    book.reserve("b", 5, "two")
    assert figures(book.state()) == (0, 8, 0, 57)
    book.settle("one", 2)
    book.release("two")
    state = book.state()
    assert figures(state) == (2, 0, 0, 63)
    assert state.by_endpoint == {"a": 2}
    assert state.open_reservations == ()


def test_a_reservation_is_on_disk_before_reserve_returns(tmp_path: Path) -> None:
    ledger(tmp_path).reserve("a", 3, "one")
    assert json.loads(ledger_file(tmp_path).read_text()) == {
        "format": 1,
        "event": "reserve",
        "at": "2026-11-23T10:30:00Z",
        "call_id": "one",
        "endpoint": "a",
        "credits": 3,
    }
    assert figures(ledger(tmp_path).state()) == (0, 3, 0, 62)


def test_the_limit_less_the_buffer_is_reached_but_not_crossed(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 60)
    book.reserve("a", 3, "two")
    with pytest.raises(BudgetError) as caught:
        book.reserve("a", 3, "three")
    assert caught.value.exit_code is ExitCode.BUDGET
    assert "a may cost 3 credits, but 2 of 65 are left in 2026-11" in caught.value.message
    assert "2026-12-01T00:00:00Z" in caught.value.hint
    book.reserve("a", 2, "four")
    assert book.state().remaining == 0


def test_a_refused_reservation_leaves_no_trace(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 65)
    before = ledger_file(tmp_path).read_bytes()
    with pytest.raises(BudgetError):
        book.require("a", 1)
    with pytest.raises(BudgetError):
        book.reserve("a", 1, "two")
    assert ledger_file(tmp_path).read_bytes() == before


def test_a_free_call_is_never_refused(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.reserve("a", 60, "one")
    book.settle("one", 90)
    assert book.state().remaining == -25
    book.require("free", 0)
    book.reserve("free", 0, "two")


def test_an_endpoint_that_cost_more_than_reserved_is_reserved_at_that_cost(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.reserve("a", 1, "one")
    book.settle("one", 40)
    with pytest.raises(BudgetError):
        ledger(tmp_path).require("a", 1)
    with pytest.raises(BudgetError):
        ledger(tmp_path).reserve("a", 1, "two")
    book.reserve("b", 1, "three")


def test_what_other_processes_wrote_is_seen(tmp_path: Path) -> None:
    first, second = ledger(tmp_path), ledger(tmp_path)
    first.reserve("a", 5, "one")
    assert second.state().reserved == 5
    second.settle("one", 4)
    assert figures(first.state()) == (4, 0, 0, 61)
    spend(first, "two", 1)
    assert second.state().charged == 5


def test_a_new_month_starts_at_zero(tmp_path: Path) -> None:
    clock = SetClock()
    book = ledger(tmp_path, clock)
    spend(book, "one", 65)
    clock.moment = datetime(2026, 12, 1, tzinfo=UTC)
    assert figures(book.state()) == (0, 0, 0, 65)
    book.reserve("a", 65, "two")


@pytest.mark.parametrize("same_process", [True, False])
def test_a_call_that_ends_after_the_turn_of_the_month_is_charged_to_the_month_of_its_reservation(
    tmp_path: Path, same_process: bool
) -> None:
    clock = SetClock(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    book = ledger(tmp_path, clock)
    book.reserve("a", 3, "one")
    book.reserve("a", 3, "two")
    clock.moment += timedelta(seconds=2)
    after = book if same_process else ledger(tmp_path, clock)
    after.settle("one", 3)
    after.release("two")
    assert figures(after.state()) == (0, 0, 0, 65)
    clock.moment -= timedelta(seconds=2)
    assert figures(ledger(tmp_path, clock).state()) == (3, 0, 0, 62)


# --- damage -----------------------------------------------------------------------------------------------------------


def test_a_torn_last_line_is_cut_and_what_was_spent_stays_spent(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 10)
    book.reserve("a", 7, "two")
    path = ledger_file(tmp_path)
    whole = path.read_bytes()
    with path.open("ab") as stream:
        stream.write(b'{"event":"settle","call_id":"two","endp')
    for reader in (book, ledger(tmp_path)):
        assert figures(reader.state()) == (10, 7, 0, 48)
    ledger(tmp_path).settle("two", 6)
    assert path.read_bytes().startswith(whole)
    assert len(path.read_text().splitlines()) == 4
    for reader in (book, ledger(tmp_path)):
        assert figures(reader.state()) == (16, 0, 0, 49)


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b"\x00\x00\x00",
        b"[1]",
        b"null",
        b"{}",
        b'{"event": "reserve", "at": "x", "call_id": "z", "endpoint": "a", "credits": 1}',
        b'{"event": "settle", "call_id": "z", "endpoint": "a", "credits": -5}',
        b'{"event": "settle", "call_id": "z", "endpoint": "a", "credits": "5"}',
        b'{"event": "refund", "call_id": "z"}',
        b'{"event": "reconcile", "settled": {"nobody": 1}, "external": 0, "provider_left": null}',
    ],
)
def test_a_garbage_line_is_an_error_that_names_file_and_line(tmp_path: Path, garbage: bytes) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 10)
    path = ledger_file(tmp_path)
    good = path.read_bytes()
    path.write_bytes(good + garbage + b"\n" + good.replace(b"one", b"two"))
    for attempt in (book.state, ledger(tmp_path).state, lambda: ledger(tmp_path).reserve("a", 1, "three")):
        with pytest.raises(StorageError, match=r"2026-11\.jsonl: line 3 "):
            attempt()
    path.write_bytes(good)
    assert book.state().charged == 10


def test_a_file_put_back_from_a_backup_is_read_anew(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 10)
    backup = ledger_file(tmp_path).read_bytes()
    spend(book, "two", 10)
    assert book.state().charged == 20
    replacement = tmp_path / "backup"
    replacement.write_bytes(backup)
    replacement.replace(ledger_file(tmp_path))
    assert book.state().charged == 10
    ledger_file(tmp_path).unlink()
    assert book.state().charged == 0


def test_a_settlement_whose_reservation_is_gone_still_counts(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.reserve("a", 3, "one")
    ledger_file(tmp_path).unlink()
    book.settle("one", 3)
    assert book.state().charged == 3


def test_a_ledger_that_cannot_be_written_reserves_nothing(tmp_path: Path) -> None:
    (tmp_path / "credits").write_text("a file where a folder should be")
    with pytest.raises(StorageError):
        ledger(tmp_path).reserve("a", 1, "one")


def test_a_ledger_that_cannot_be_read_reserves_nothing(tmp_path: Path) -> None:
    ledger_file(tmp_path).mkdir(parents=True)
    with pytest.raises(StorageError, match=r"cannot read .*2026-11\.jsonl"):
        ledger(tmp_path).reserve("a", 1, "one")


# --- reconciliation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "charged", "external"),
    [
        (10, 10, 0),  # neither of the two calls was charged
        (13, 13, 0),  # the first was
        (15, 15, 0),  # the first, and the second for less than was reserved
        (18, 18, 0),  # both
        (50, 18, 32),  # both, and another program with the same key
        (4, 10, 0),  # the provider counts less than its own answers said: they are believed
    ],
)
def test_reconciliation_agrees_with_the_provider(tmp_path: Path, used: int, charged: int, external: int) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 10)
    book.reserve("a", 3, "two")
    book.reserve("b", 5, "three")
    assert book.reconcile(used)
    for reader in (book, ledger(tmp_path)):
        state = reader.state()
        assert figures(state) == (charged, 0, external, 65 - charged - external)


def test_what_others_spent_is_taken_up_once(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 10)
    book.reconcile(30)
    spend(book, "two", 5)
    book.reserve("a", 2, "three")
    book.reconcile(37)
    assert figures(book.state()) == (17, 0, 20, 28)
    book.reconcile(40)
    assert figures(book.state()) == (17, 0, 23, 25)
    book.reconcile(38)
    assert figures(book.state()) == (17, 0, 21, 27)


def test_spendable_is_the_lower_of_both_figures(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    spend(book, "one", 10)
    book.reconcile(12, provider_left=9)
    assert (book.state().spendable, book.state().remaining) == (21, 9)
    assert book.state().why_spendable() == "all that the provider has for this key"
    spend(book, "two", 4)
    assert book.state().remaining == 5
    with pytest.raises(BudgetError):
        book.reserve("a", 6, "three")
    book.reconcile(16, provider_left=1000)
    assert (book.state().spendable, book.state().remaining) == (65, 49)
    assert book.state().why_spendable() == "limit 100 less a buffer of 35 %"


def test_figures_of_a_month_that_has_ended_are_not_taken(tmp_path: Path) -> None:
    clock = SetClock(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    book = ledger(tmp_path, clock)
    spend(book, "one", 10)
    clock.moment += timedelta(seconds=2)
    assert not book.reconcile(10, month="2026-11")
    assert figures(book.state()) == (0, 0, 0, 65)
