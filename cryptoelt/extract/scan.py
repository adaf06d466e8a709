"""ScanExtractor: one call for each of many ids, every answer durable as it comes, so that a scan can be resumed.

Every file says in its footer what it answers, and the first of each run what the scan set out to ask. What is missing
of a scan is therefore known from Bronze alone, and an id is done only after its answer is there.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from abc import abstractmethod
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.api.cost import Cost
from cryptoelt.clock import iso
from cryptoelt.errors import (
    STOPS_THE_RUN,
    AnswerError,
    ApiUnavailableError,
    CryptoEltError,
    DamagedFileError,
    MissingInputError,
    RequestRejectedError,
    StorageError,
    UnusableAnswerError,
)
from cryptoelt.extract.base import LISTS_TRIED, BaseExtractor
from cryptoelt.extract.judgement import no_more, unusable
from cryptoelt.extract.scan_state import Scan, scan_of_day, scan_of_window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    import pyarrow as pa

    from cryptoelt.api.answer import Answer
    from cryptoelt.extract.judgement import Tally
    from cryptoelt.results import Unit

log = logging.getLogger("cryptoelt.extract")

#: After so many batches in a row that failed in such a way, the rest of a scan would fare no better. An answer that
#: cannot be used is paid, but may be the oddity of one id.
_GIVE_UP_AFTER: dict[type[CryptoEltError], int] = {
    ApiUnavailableError: 3,
    RequestRejectedError: 3,
    AnswerError: 10,
    UnusableAnswerError: 10,
}
#: Records of one id from which on it is told whether they can be right; a lone odd one is for quarantine.
_FEWEST_JUDGED = 2
#: So many refused ids in a row are no longer the fault of ids.
_MOST_REFUSED = 10
_BAD_REQUEST = 400


@dataclass(frozen=True)
class Part:
    """One answer of a scan, typed.

    Attributes:
        answered: the ids that are done with it; () for all pages of an id but the last.
        refused: those of them that the API does not take, or passed over.
        about: what a later scan wants to know of it.
        notice: what a person should know of it.
        unusable: why it cannot be right; "" where nothing speaks against it. It answers nobody then.
    """

    rows: pa.Table
    clean: bool
    answered: tuple[str, ...]
    answer: Answer | None = None
    refused: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    notice: str = ""
    unusable: str = ""


@dataclass
class _Progress:
    """What a run of a scan has done so far."""

    parts: int = 0
    credits: int = 0
    dearest: int = 0
    answered: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[CryptoEltError] = field(default_factory=list)
    refused_in_a_row: int = 0
    failed_in_a_row: Counter[type[CryptoEltError]] = field(default_factory=Counter)
    unusable: int = 0


class ScanExtractor(BaseExtractor):
    """Asks one endpoint for many ids; a subclass plans which, and asks for a batch of them."""

    #: How many ids one call can take.
    batch_size: ClassVar[int] = 1
    counts_unreadable = False  # ids in a row that bring no answer end a scan

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

    def most(self, ids: Sequence[str]) -> Cost:
        """Return the calls that asking for these ids takes, and what they cost at most, should they have changed."""
        return Cost(-(-len(ids) // self.batch_size), self.cost(ids))

    def estimate(self, snapshot: datetime) -> Cost:
        """Return the calls that a run at this moment would make, and at most what they cost; asks nobody.

        Raises:
            MissingInputError: Bronze does not say whom to ask.
            StorageError: Bronze cannot be read.
        """
        scan = self._resumed(snapshot)
        return self.most(tuple(dict.fromkeys(self.plan(snapshot))) if scan is None else scan.missing)

    def ids_on(self, endpoint: str) -> list[Any]:
        """Return the ids of the newest complete snapshot of the endpoint that lists whom can be asked.

        Raises:
            MissingInputError: there is none yet.
        """
        ids = (row["id"] for row in self.rows_on(endpoint, ["id"]))
        return [id_ for id_ in dict.fromkeys(ids) if id_ is not None]

    def rows_on(self, endpoint: str, columns: list[str]) -> list[dict[str, Any]]:
        """Return columns of the newest complete snapshot of an endpoint that can be read.

        Where a run is only planned that asks the list before, or there is no list, it is the list as it is expected.

        Raises:
            MissingInputError: there is none yet.
        """
        expected, known = self.context.expected, self._newest_rows(endpoint, columns)
        if expected is not None and (endpoint in expected.endpoints or known is None):
            return expected.rows(endpoint, known, columns)
        if known is not None:
            return known
        raise MissingInputError(
            f"{self.endpoint_name}: Bronze has no {endpoint} to take ids from",
            hint=f"run `cryptoelt extract --endpoint {endpoint}` first, or `cryptoelt run --freq init`",
        )

    def _newest_rows(self, endpoint: str, columns: list[str]) -> list[dict[str, Any]] | None:
        for snapshot in reversed(self.context.bronze.complete_snapshots(endpoint, LISTS_TRIED)):
            try:
                return self.context.bronze.read(snapshot, columns).to_pylist()
            except DamagedFileError as exc:  # its own table tells of it; an older list still says whom to ask
                log.warning("scan.list_damaged", extra={"fields": {"endpoint": endpoint, **exc.context}})
        return None

    # --- one run ------------------------------------------------------------------------------------------------------

    def _require_tries(self) -> None:
        """Raise where a window has brought so many unusable answers that the others would be no better."""
        found = self._unusable_before
        if len(found) >= self._most_unusable:
            raise no_more(self.endpoint_name, f"{len(found)} answers", found[-1].unusable)

    @property
    def _most_unusable(self) -> int:
        """How many unusable answers one window may bring, whoever was asked."""
        return self.context.settings.unusable_tries * _GIVE_UP_AFTER[UnusableAnswerError]

    def _given_up(self) -> dict[str, str]:
        """Return the ids that this window has asked often enough, and why their last answer was unusable."""
        found = [(id_, note) for note in self._unusable_before if note.scan is not None for id_ in note.scan.asked]
        tries = Counter(id_ for id_, _ in found)
        return {id_: note.unusable for id_, note in found if tries[id_] >= self.context.settings.unusable_tries}

    def _extract(self, snapshot: datetime, unit: Unit, outcome: dict[str, Any]) -> None:
        scan = self._resumed(snapshot) or self._new(snapshot)
        given_up = {id_: reason for id_, reason in self._given_up().items() if id_ in scan.missing}
        unit.planned = self.cost(tuple(id_ for id_ in scan.missing if id_ not in given_up))
        progress = _Progress(unusable=len(self._unusable_before))
        try:
            if not scan.planned and scan.began == snapshot:
                self._put(Part(*self.typed("", (), snapshot), ()), scan, progress, unit, snapshot)
            scan = self._ask_all(scan, given_up, progress, unit, snapshot)
        finally:
            unit.postponed = scan.postponed
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
        if given_up:
            reason = next(iter(given_up.values()))
            raise no_more(self.endpoint_name, f"all answers for {_named(list(given_up))}", reason)

    def _fault_in(self, rows: pa.Table, tally: Tally) -> str:
        """Return why the answer for an id is unusable, by the records typed last and those counted before; "" if not.

        The only record of somebody is no majority: quarantine says what is wrong with it, and the scan goes on.
        """
        tally.add(rows)
        return tally.fault(self.context.settings.unusable_share) if tally.records >= _FEWEST_JUDGED else ""

    def _resumed(self, snapshot: datetime) -> Scan | None:
        """Return the scan this run goes on with: the window's own, else one left unfinished on this UTC day.

        Where the part that says its plan is damaged, whom else to ask is planned anew.
        """
        window, bronze = self.context.window, self.context.bronze
        if window is not None:
            scan = scan_of_window(bronze, self.endpoint_name, window)
        else:
            scan = scan_of_day(bronze, self.endpoint_name, self.context.clock.now())
            scan = None if scan is None or scan.is_finished else scan
        if scan is None or not scan.is_plan_lost:
            return scan
        return scan.planned_anew(tuple(dict.fromkeys(self.plan(snapshot))))

    def _new(self, snapshot: datetime) -> Scan:
        """Plan a scan; what the credits that are to spare do not allow is left for another day."""
        ids = tuple(dict.fromkeys(self.plan(snapshot)))
        spare, affordable = self.context.governor.spare(), len(ids)
        if spare is not None:
            affordable = bisect_right(range(len(ids) + 1), spare, key=lambda count: self.cost(ids[:count])) - 1
        window = self.context.window
        start = None if window is None else window.start
        return Scan(
            snapshot,
            ids[:affordable],
            postponed=len(ids) - affordable,
            window=start,
            is_init=self.is_init,
            size=affordable,
        )

    def _ask_all(
        self, scan: Scan, given_up: Collection[str], progress: _Progress, unit: Unit, snapshot: datetime
    ) -> Scan:
        """Ask for all that is missing; return the scan, without what was left for another day after all."""
        missing = tuple(id_ for id_ in scan.missing if id_ not in given_up)
        for start in range(0, len(missing), self.batch_size):
            self.context.clock.stop.raise_if_set()
            batch = missing[start : start + self.batch_size]
            if not self._is_affordable(batch, progress):
                scan = scan.without(tuple(id_ for id_ in missing[start:] if id_ not in progress.answered))
                self._put(Part(*self.typed("", (), snapshot), ()), scan, progress, unit, snapshot, is_whole=True)
                return scan
            try:
                self._ask_batch(batch, scan, progress, unit, snapshot)
            except CryptoEltError as exc:
                if isinstance(exc, (*STOPS_THE_RUN, StorageError)):
                    raise
                log.warning("scan.failed", extra={"fields": {"endpoint": self.endpoint_name, "ids": list(batch)}})
                progress.errors.append(exc)
                progress.failed += [id_ for id_ in batch if id_ not in progress.answered]
                progress.failed_in_a_row[type(exc)] += 1
                is_hopeless = progress.failed_in_a_row[type(exc)] >= _GIVE_UP_AFTER.get(type(exc), 1)
                if is_hopeless or progress.unusable >= self._most_unusable:
                    break
            else:
                progress.failed_in_a_row.clear()
        return scan

    def _is_affordable(self, batch: tuple[str, ...], progress: _Progress) -> bool:
        """Tell whether a batch fits under what is to spare now: earlier ones may have cost more than was planned."""
        spare = self.context.governor.spare()
        return spare is None or max(self.cost(batch), progress.dearest) <= spare

    def _ask_batch(
        self, batch: tuple[str, ...], scan: Scan, progress: _Progress, unit: Unit, snapshot: datetime
    ) -> None:
        """Ask for a batch; an id the API refuses is isolated and costs the others nothing.

        Whether a refusal is the fault of an id is known where the error names it, or where others are answered.
        """
        waiting: list[tuple[str, ...]] = [batch]
        refused: list[str] = []
        unexplained: RequestRejectedError | None = None
        while waiting:
            ids = waiting.pop()
            try:
                for part in self.ask(ids, snapshot):
                    self._put(part, scan, progress, unit, snapshot)
                    if part.unusable:
                        raise unusable(self.endpoint_name, part.unusable, part.answer.call_id if part.answer else "")
            except RequestRejectedError as exc:
                if exc.context.get("http_status") != _BAD_REQUEST:
                    raise
                named = _ids_in(exc, ids)
                bad, rest = _isolated(ids, named)
                refused += bad
                waiting += rest
                unexplained = unexplained if named else exc
                if progress.refused_in_a_row + len(refused) > _MOST_REFUSED:
                    raise
        if unexplained is not None and not progress.dearest:
            raise unexplained
        if refused:
            progress.refused_in_a_row += len(refused)
            empty, clean = self.typed("", (), snapshot)
            self._put(Part(empty, clean, tuple(refused), refused=tuple(refused)), scan, progress, unit, snapshot)

    def _put(
        self,
        part: Part,
        scan: Scan,
        progress: _Progress,
        unit: Unit,
        snapshot: datetime,
        *,
        is_whole: bool = False,
    ) -> None:
        """Keep one part; the first of a run, and one after which less is wanted, says the plan of the scan as well."""
        progress.parts += 1
        credits, call_id = 0, None
        if part.answer is not None:
            credits, call_id = part.answer.credits, part.answer.call_id
            progress.dearest = max(progress.dearest, credits, 1)
            progress.refused_in_a_row = 0
        about = {"credits": credits, **part.about}
        answered = () if part.unusable else part.answered
        if part.unusable:
            progress.unusable += 1
            about["asked"] = part.answered
        said = scan.as_note(answered, part.refused, is_whole=is_whole or progress.parts == 1, **about)
        note = self._note(call_id, clean=part.clean, scan=said, unusable=part.unusable)
        note = dataclasses.replace(note, window=scan.window)
        self._keep(part.rows, note, unit, snapshot, progress.parts)
        progress.answered.update(answered)
        progress.refused += part.refused
        unit.steps = (len(progress.answered), len(scan.missing))
        progress.credits += credits
        if part.notice:
            unit.notices.append(part.notice)


def _ids_in(exc: RequestRejectedError, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids that the API names in its refusal."""
    said = set(re.findall(r"\w+", str(exc.context.get("api_message") or "")))
    return tuple(id_ for id_ in ids if id_ in said)


def _isolated(ids: tuple[str, ...], named: tuple[str, ...]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the ids that are to blame, and the batches to ask instead: the error names the id, else halves are."""
    if len(ids) == 1:
        return ids, []
    if named and len(named) < len(ids):
        return named, [tuple(id_ for id_ in ids if id_ not in named)]
    middle = len(ids) // 2
    return (), [ids[middle:], ids[:middle]]


def _named(ids: list[str]) -> str:
    """Name ids for a message; of many only the first."""
    shown = ", ".join(ids[:5])
    return f"id {shown}" if len(ids) == 1 else f"{len(ids)} ids ({shown}{', …' if len(ids) > 5 else ''})"


def _together(endpoint: str, progress: _Progress, missing: int) -> CryptoEltError:
    """Return one error for all ids that brought no answer, of the kind of the first; the first where none did."""
    first = progress.errors[0]
    if not progress.answered:
        return first
    left = missing - len(progress.answered)
    message = f"{first.message}; {endpoint}: {left} of {missing} answers are missing, {_named(progress.failed)} failed"
    return type(first)(message, hint="run again: it asks only for what is missing", **first.context)
