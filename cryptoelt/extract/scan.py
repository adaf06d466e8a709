"""ScanExtractor: one call for each of many ids, every answer durable as it comes, so that a scan can be resumed.

Every file says in its footer what the scan set out to ask and what this file answers. What is missing of a scan is
therefore known from Bronze alone, and an id is done only after its answer is there.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from abc import abstractmethod
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.clock import iso
from cryptoelt.errors import (
    STOPS_THE_RUN,
    ApiUnavailableError,
    CryptoEltError,
    MissingInputError,
    RequestRejectedError,
    StorageError,
)
from cryptoelt.extract.base import BaseExtractor
from cryptoelt.extract.scan_state import Scan, scan_of_day, scan_of_window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pyarrow as pa

    from cryptoelt.api.answer import Answer
    from cryptoelt.results import Unit

log = logging.getLogger("cryptoelt.extract")

#: After so many ids in a row that brought no answer, the rest of a scan would fare no better.
_GIVE_UP_AFTER = 3
#: So many refused ids in one batch are no longer the fault of ids.
_MOST_REFUSED = 10
_BAD_REQUEST = 400


@dataclass(frozen=True)
class Part:
    """One answer of a scan, typed.

    Attributes:
        answered: the ids that are done with it; () for all pages of an id but the last.
        refused: those of them that the API does not take.
        about: what a later scan wants to know of it.
    """

    rows: pa.Table
    clean: bool
    answered: tuple[str, ...]
    answer: Answer | None = None
    refused: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Progress:
    """What a run of a scan has done so far."""

    parts: int = 0
    credits: int = 0
    answered: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[CryptoEltError] = field(default_factory=list)
    unanswered_in_a_row: int = 0


class ScanExtractor(BaseExtractor):
    """Asks one endpoint for many ids; a subclass plans which, and asks for a batch of them."""

    #: How many ids one call can take.
    batch_size: ClassVar[int] = 1

    @abstractmethod
    def plan(self, snapshot: datetime) -> Sequence[str]:
        """Return the ids to ask, the most urgent first."""

    @abstractmethod
    def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
        """Ask for a batch of ids, page by page.

        Raises:
            RequestRejectedError: the API refuses one of the ids, or the request as such.
        """

    def cost(self, ids: Sequence[str]) -> int:
        """Return the credits that asking for these ids can cost at most."""
        batches = -(-len(ids) // self.batch_size)
        return batches * self.context.client.price(self.endpoint, min(len(ids), self.batch_size))

    def ids_on(self, endpoint: str, column: str = "id") -> list[Any]:
        """Return the ids of the newest complete snapshot of the endpoint that lists whom can be asked.

        Raises:
            MissingInputError: there is none yet.
        """
        known = self.context.bronze.complete_snapshots(endpoint, 1)
        if not known:
            raise MissingInputError(
                f"{self.endpoint_name}: Bronze has no {endpoint} to take ids from",
                hint=f"run `cryptoelt extract --endpoint {endpoint}` first, or `cryptoelt run --freq init`",
            )
        ids = self.context.bronze.read(known[0], [column])[column].to_pylist()
        return [id_ for id_ in dict.fromkeys(ids) if id_ is not None]

    # --- one run ------------------------------------------------------------------------------------------------------

    def _extract(self, snapshot: datetime, unit: Unit, outcome: dict[str, Any]) -> None:
        scan = self._resumed() or self._new(snapshot)
        unit.postponed, unit.planned = scan.postponed, self.cost(scan.missing)
        progress = _Progress()
        try:
            if not scan.planned:
                self._put(Part(*self.typed("", (), snapshot), ()), scan, progress, unit, snapshot)
            self._ask_all(scan, progress, unit, snapshot)
        finally:
            outcome |= {
                "snapshot": iso(snapshot) if progress.parts else None,
                "scan": iso(scan.began),
                "rows": unit.rows_in,
                "parts": progress.parts,
                "planned": len(scan.planned),
                "answered": len(scan.answered | progress.answered),
                "refused": progress.refused,
                "failed": progress.failed,
                "postponed": scan.postponed,
                "credits": progress.credits,
                "is_complete": not (set(scan.missing) - progress.answered),
            }
        if progress.refused:
            unit.notices.append(
                f"{self.endpoint_name}: the API refuses {_named(progress.refused)}; asked again by the next scan"
            )
        if progress.errors:
            raise _together(self.endpoint_name, progress, len(scan.missing))

    def _resumed(self) -> Scan | None:
        """Return the scan this run goes on with: the window's own, else one left unfinished on this UTC day."""
        window = self.context.window
        if window is not None:
            return scan_of_window(self.context.bronze, self.endpoint_name, window)
        scan = scan_of_day(self.context.bronze, self.endpoint_name, self.context.clock.now())
        return scan if scan is not None and scan.missing else None

    def _new(self, snapshot: datetime) -> Scan:
        """Plan a scan; what the credits that are to spare do not allow is left for another day."""
        ids = tuple(dict.fromkeys(self.plan(snapshot)))
        spare, affordable = self.context.governor.spare(), len(ids)
        if spare is not None:
            affordable = bisect_right(range(len(ids) + 1), spare, key=lambda count: self.cost(ids[:count])) - 1
        window = self.context.window
        return Scan(
            snapshot,
            ids[:affordable],
            postponed=len(ids) - affordable,
            window=None if window is None else window.start,
        )

    def _ask_all(self, scan: Scan, progress: _Progress, unit: Unit, snapshot: datetime) -> None:
        missing = scan.missing
        for start in range(0, len(missing), self.batch_size):
            self.context.clock.stop.raise_if_set()
            batch = missing[start : start + self.batch_size]
            try:
                self._ask_batch(batch, scan, progress, unit, snapshot)
            except CryptoEltError as exc:
                if isinstance(exc, (*STOPS_THE_RUN, StorageError)):
                    raise
                log.warning("scan.failed", extra={"fields": {"endpoint": self.endpoint_name, "ids": list(batch)}})
                progress.errors.append(exc)
                progress.failed += [id_ for id_ in batch if id_ not in progress.answered]
                progress.unanswered_in_a_row += isinstance(exc, ApiUnavailableError | RequestRejectedError)
                if progress.unanswered_in_a_row >= _GIVE_UP_AFTER:
                    break
            else:
                progress.unanswered_in_a_row = 0

    def _ask_batch(
        self, batch: tuple[str, ...], scan: Scan, progress: _Progress, unit: Unit, snapshot: datetime
    ) -> None:
        """Ask for a batch; an id the API refuses is isolated and costs the others nothing."""
        waiting, refused = [batch], 0
        while waiting:
            ids = waiting.pop()
            try:
                for part in self.ask(ids, snapshot):
                    self._put(part, scan, progress, unit, snapshot)
            except RequestRejectedError as exc:
                if exc.context.get("http_status") != _BAD_REQUEST:
                    raise
                bad, rest = _isolated(ids, exc)
                refused += len(bad)
                if refused > _MOST_REFUSED:
                    raise
                waiting += rest
                if bad:
                    empty, clean = self.typed("", (), snapshot)
                    self._put(Part(empty, clean, bad, refused=bad), scan, progress, unit, snapshot)

    def _put(self, part: Part, scan: Scan, progress: _Progress, unit: Unit, snapshot: datetime) -> None:
        progress.parts += 1
        credits = part.answer.credits if part.answer else 0
        about = {"credits": credits, "is_init": self.is_init, **part.about}
        note = self._note(clean=part.clean, scan=scan.as_note(part.answered, part.refused, **about))
        note = dataclasses.replace(note, window=scan.window)
        self._keep(part.rows, note, unit, snapshot, progress.parts)
        progress.answered.update(part.answered)
        progress.refused += part.refused
        progress.credits += credits


def _isolated(ids: tuple[str, ...], exc: RequestRejectedError) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the ids that are to blame, and the batches to ask instead: the error names the id, else halves are."""
    if len(ids) == 1:
        return ids, []
    said = set(re.findall(r"\w+", str(exc.context.get("api_message") or "")))
    named = tuple(id_ for id_ in ids if id_ in said)
    if named and len(named) < len(ids):
        return named, [tuple(id_ for id_ in ids if id_ not in named)]
    middle = len(ids) // 2
    return (), [ids[middle:], ids[:middle]]


def _named(ids: list[str]) -> str:
    """Name ids for a message; of many only the first."""
    shown = ", ".join(ids[:5])
    return f"id {shown}" if len(ids) == 1 else f"{len(ids)} ids ({shown}{', …' if len(ids) > 5 else ''})"


def _together(endpoint: str, progress: _Progress, missing: int) -> CryptoEltError:
    """Return one error for all ids that brought no answer, of the kind of the first."""
    first = progress.errors[0]
    left = missing - len(progress.answered)
    message = f"{first.message}; {endpoint}: {left} of {missing} answers are missing, {_named(progress.failed)} failed"
    return type(first)(message, hint="run again: it asks only for what is missing", **first.context)
