"""One month of the credit ledger: its file of events, and the sums they add up to.

Events, one JSON line each: `reserve` before a call, then `settle` (charged) or `release` (not charged); `reconcile`
when the provider was asked what it counts. A line is written whole or not at all, so every state the file can be in is
one that a process went through.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import parse_iso
from cryptoelt.errors import ConfigurationError, StorageError
from cryptoelt.metadata.formats import FORMAT, NewerFormatError, Record
from cryptoelt.metadata.jsonl import append_line_unlocked

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


#: The format of the events that are written now.
LEDGER_FORMAT = 1


@dataclass(frozen=True)
class Reservation:
    """Credits set aside for one try of a call that has not been settled yet."""

    call_id: str
    endpoint: str
    credits: int
    at: datetime


@dataclass
class Sums:
    """What the events of a month add up to.

    Attributes:
        charged: settled credits, by endpoint.
        open: reservations neither settled nor released, oldest first.
        external: credits the provider counted that no call of this ledger explains.
        ceiling: the provider's own limit as last seen, in the terms of this ledger; None when never asked.
        floor: by endpoint, the highest charge that exceeded its reservation; later calls reserve no less.
    """

    charged: dict[str, int] = field(default_factory=dict)
    open: dict[str, Reservation] = field(default_factory=dict)
    external: int = 0
    ceiling: int | None = None
    floor: dict[str, int] = field(default_factory=dict)

    @property
    def total_charged(self) -> int:
        """Settled credits of all endpoints."""
        return sum(self.charged.values())

    @property
    def reserved(self) -> int:
        """Credits of all open reservations."""
        return sum(reservation.credits for reservation in self.open.values())

    def agrees_with(self, provider_used: int, provider_left: int | None) -> bool:
        """Tell whether the provider's count says nothing new: nothing is open, and its figures are those known."""
        external = max(0, provider_used - self.total_charged)
        ceiling = None if provider_left is None else self.total_charged + external + provider_left
        return not self.open and (external, ceiling) == (self.external, self.ceiling)

    def apply(self, event: dict[str, Any]) -> None:
        """Add one event.

        Raises:
            KeyError, TypeError, ValueError: the event is not one of those this module writes.
        """
        match event["event"]:
            case "reserve":
                call_id, endpoint = _text(event["call_id"]), _text(event["endpoint"])
                reservation = Reservation(call_id, endpoint, _credits(event["credits"]), parse_iso(event["at"]))
                self.open[reservation.call_id] = reservation
            case "settle":
                self._charge(_text(event["call_id"]), _text(event["endpoint"]), _credits(event["credits"]))
            case "release":
                self.open.pop(_text(event["call_id"]), None)
            case "reconcile":
                for call_id, credits in event["settled"].items():
                    self._charge(call_id, self.open[call_id].endpoint, _credits(credits))
                self.external = _credits(event["external"])
                left = event["provider_left"]
                self.ceiling = None if left is None else self.total_charged + self.external + _credits(left)
            case unknown:
                msg = f"unknown event {unknown!r}"
                raise ValueError(msg)

    def _charge(self, call_id: str, endpoint: str, credits: int) -> None:
        reservation = self.open.pop(call_id, None)
        self.charged[endpoint] = self.charged.get(endpoint, 0) + credits
        if reservation is not None and credits > reservation.credits:
            self.floor[endpoint] = max(credits, self.floor.get(endpoint, 0))


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"{value!r} is not a text"
        raise TypeError(msg)
    return value


def _credits(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        msg = f"{value!r} is not a number of credits"
        raise ValueError(msg)
    return value


class LedgerMonth:
    """The file of one month, read only as far as it is new; every method wants the ledger's lock held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self._sums = Sums()
        self._offset = 0
        self._lines = 0
        self._inode: int | None = None

    def sums(self) -> Sums:
        """Return the sums of all whole lines; what other processes wrote since the last time is read now.

        A torn last line is passed over: a reservation is only acted upon once its line is whole and durable, so no
        call was made on it; of a torn settlement the reservation still counts as spent.

        Raises:
            StorageError: the file cannot be read, or a whole line is not an event.
            ConfigurationError: a newer cryptoelt wrote a line: what it counts is not known here.
        """
        try:
            with self.path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._forget()  # put back from a backup, or taken away and made anew
                    self._inode = status.st_ino
                stream.seek(self._offset)
                tail = stream.read()
        except FileNotFoundError:
            self._forget()
            return self._sums
        except OSError as exc:
            raise StorageError(f"cannot read {self.path}: {exc.strerror}", hint="check the file's owner") from exc
        whole = tail[: tail.rfind(b"\n") + 1]
        for line in whole.split(b"\n")[:-1]:
            self._add(line)
        self._offset += len(whole)
        return self._sums

    def append(self, event: dict[str, Any]) -> None:
        """Write one event durably.

        Raises:
            StorageError: the file cannot be written.
        """
        append_line_unlocked(self.path, {FORMAT: LEDGER_FORMAT, **event})

    def _add(self, line: bytes) -> None:
        self._lines += 1
        number = self._lines
        try:
            event = json.loads(line)
            Record.of(event, LEDGER_FORMAT)
            self._sums.apply(event)
        except NewerFormatError as exc:
            self._forget()
            raise ConfigurationError(
                f"{self.path}: line {number} cannot be counted: {exc}",
                hint="no call is made while credits cannot be counted: use the version that wrote it, or a later one",
                line=number,
            ) from exc
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            self._forget()
            raise StorageError(
                f"{self.path}: line {number} is not an event of the credit ledger: {type(exc).__name__}",
                hint="no call is made while credits cannot be counted: mend that line, or restore the file",
                line=number,
            ) from exc
