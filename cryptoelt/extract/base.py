"""BaseExtractor: one endpoint, from the call to a durable Bronze file and its journal line."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.api.catalogue import ENDPOINTS, Shape
from cryptoelt.api.cost import Cost, grown
from cryptoelt.clock import iso
from cryptoelt.errors import AnswerError, ApiUnavailableError, DamagedFileError, as_known
from cryptoelt.extract.fields import bronze_rows, fitted, has_long_text, trimmed
from cryptoelt.extract.judgement import (
    Tally,
    fault_of_ids,
    fault_of_time,
    is_far_short,
    is_noticeably_short,
    no_more,
    require_open,
    unusable,
    unusable_answers,
)
from cryptoelt.frequencies import INIT
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase, Status, Unit, error_as_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from cryptoelt.api.answer import Answer, RawRecord
    from cryptoelt.api.client import CoinMarketCapClient
    from cryptoelt.api.governor import Governor
    from cryptoelt.clock import Clock
    from cryptoelt.errors import CryptoEltError
    from cryptoelt.extract.expected import ExpectedLists
    from cryptoelt.extract.fields import Column
    from cryptoelt.frequencies import Window
    from cryptoelt.lake.bronze import Bronze, BronzeFile
    from cryptoelt.lake.scan_note import ScanNote
    from cryptoelt.settings import BudgetSettings, ExtractSettings

log = logging.getLogger("cryptoelt.extract")

#: Complete snapshots of a list that are looked at, from the newest, until one can be read.
LISTS_TRIED = 5


@dataclass(frozen=True)
class ExtractContext:
    """What every extractor works with.

    Attributes:
        governor: says how much may be spent on what can wait.
        window: the window the run serves; None where it was started by hand.
        expected: the lists that will have been asked anew by then, where a run is only planned.
    """

    client: CoinMarketCapClient
    bronze: Bronze
    clock: Clock
    metadata_dir: Path
    run_id: str
    settings: ExtractSettings
    budget: BudgetSettings
    governor: Governor
    window: Window | None = None
    expected: ExpectedLists | None = None


class BaseExtractor:
    """Asks one endpoint once and keeps the whole answer; a subclass names the endpoint and its columns.

    Subclasses are found by their `endpoint_name`; those that make several calls are `PagedExtractor` and
    `ScanExtractor`.
    """

    #: The endpoint, as in the API catalogue.
    endpoint_name: ClassVar[str]
    #: Typed columns beside the raw record.
    columns: ClassVar[tuple[Column, ...]]
    #: Columns that identify a record within one snapshot; () where the answer is one record.
    key: ClassVar[tuple[str, ...]] = ()
    #: Columns that an answer is worth nothing without: what the endpoint exists for.
    measures: ClassVar[tuple[str, ...]] = ()
    #: Columns that no table is built from: a value that does not fit them costs no record.
    unbuilt: ClassVar[frozenset[str]] = frozenset()
    #: Whether it lists whom there is, by ids that stay; one that lacks most of those known is unusable.
    keeps_ids: ClassVar[bool] = False
    #: Whether an answer that cannot be read counts as an unusable one of its window.
    counts_unreadable: ClassVar[bool] = True

    def __init__(self, context: ExtractContext) -> None:
        self.context = context
        self.is_init = context.window is not None and context.window.frequency == INIT
        self.endpoint = ENDPOINTS[self.endpoint_name]
        self._keys: set[tuple[Any, ...]] = set()
        self._repeated = 0
        self._records = 0
        self._late = ""

    def estimate(self, snapshot: datetime) -> Cost:  # noqa: ARG002 - for overrides
        """Return the calls that a run at this moment would make, and at most what they cost; asks nobody.

        Raises:
            MissingInputError: Bronze does not say whom to ask.
            StorageError: Bronze cannot be read.
        """
        rows = self.rows_before()
        return Cost(1, self.context.client.price(self.endpoint, None if rows is None else grown(rows)))

    def usual(self, snapshot: datetime) -> Cost:
        """Return what a window of a month costs as a rule; asks nobody.

        Raises:
            MissingInputError, StorageError: as of `estimate`.
        """
        return self.estimate(snapshot)

    def most_of_month(self, snapshot: datetime) -> int | None:  # noqa: ARG002 - for overrides
        """Return the credits that the windows of a moment's month may still spend; None where only the budget limits.

        Raises:
            StorageError: Bronze cannot be read.
        """
        return None

    def rows_before(self) -> int | None:
        """Return how many rows the newest complete answer has; None where there is none.

        Raises:
            StorageError: Bronze cannot be listed.
        """
        return self._rows_of(self.endpoint_name)

    def _rows_of(self, endpoint: str) -> int | None:
        """Return how many rows the newest complete answer of an endpoint has that can be read."""
        bronze = self.context.bronze
        for found in reversed(bronze.complete_snapshots(endpoint, LISTS_TRIED)):
            try:
                return bronze.footer_of(found).rows
            except DamagedFileError as exc:  # its own table tells of it
                log.warning("extract.list_damaged", extra={"fields": {"endpoint": endpoint, **exc.context}})
        return None

    def run(self, snapshot: datetime, unit: Unit) -> None:
        """Ask the endpoint and write its answer to Bronze as this snapshot; `unit` is filled.

        Raises:
            UnusableAnswerError: an answer cannot be right, or enough of such have come in this window.
            CryptoEltError: a call failed or was refused, or an answer cannot be written.
        """
        started = self.context.clock.now()
        outcome: dict[str, Any] = {}
        try:
            self._require_tries()
            self._extract_marked(snapshot, unit, outcome)
        except Exception as exc:
            status = Status.PARTIAL if unit.snapshots else Status.FAILED
            self._journal(started, {"status": status.value, **outcome, "error": error_as_json(as_known(exc))})
            raise
        if unit.status is Status.NOTHING and unit.snapshots:
            unit.status = Status.DONE
        self._journal(started, {"status": unit.status.value, **outcome})
        log.info("extract.done", extra={"fields": {"endpoint": self.endpoint_name, "rows": unit.rows_in}})

    def _require_tries(self) -> None:
        """Raise where a window has brought so many unusable answers that the next would be no better.

        Who asks by hand is somebody who looks, so that is always asked.
        """
        found = self._unusable_before
        if len(found) >= self.context.settings.unusable_tries:
            raise no_more(self.endpoint_name, f"{len(found)} answers", found[-1].unusable)

    def _extract_marked(self, snapshot: datetime, unit: Unit, outcome: dict[str, Any]) -> None:
        """Extract; of a paid answer that nobody can read, leave an empty file: a window does not pay for ever."""
        try:
            self._extract(snapshot, unit, outcome)
        except ApiUnavailableError as exc:
            if exc.context.get("unreadable") and self.counts_unreadable and self.context.window and not self.is_init:
                self._mark_unreadable(exc, snapshot, unit, outcome)
            raise

    def _mark_unreadable(self, error: CryptoEltError, snapshot: datetime, unit: Unit, outcome: dict[str, Any]) -> None:
        call_id, page = str(error.context.get("call_id", "")), outcome.get("pages", 0) + 1
        rows, clean = self.typed(call_id, (), snapshot)
        note = self._note(call_id, clean=clean, is_last=False, unusable="it could not be read")
        self._keep(rows, note, unit, snapshot, None if page == 1 else page)
        unit.snapshots, unit.rows_in, unit.rows_loaded = [], 0, 0  # the pages before it are not built either

    @cached_property
    def _unusable_before(self) -> list[BronzeNote]:
        """Return the unusable answers of the window that is served; none where it was started by hand."""
        window = self.context.window
        if window is None or self.is_init:
            return []
        return unusable_answers(self.context.bronze, self.endpoint_name, window)

    def _extract(self, snapshot: datetime, unit: Unit, outcome: dict[str, Any]) -> None:
        """Make the call and keep its answer; what the journal shall say is added to `outcome` as it is known."""
        unit.planned, known, usual = self.estimate(snapshot).credits, self.known_rows() or 0, self.usual_rows() or 0
        answer = self._ask(snapshot)
        records, fault = self._records_of(answer)
        rows, clean = self.typed(answer.call_id, records, snapshot)
        fault = fault or self._fault_in(rows, self._tally()) or self._fault_of_repeats(rows)
        fault = fault or self._fault_of_length(known, usual, unit)
        file = self._keep(rows, self._note(answer.call_id, clean=clean, unusable=fault), unit, snapshot)
        outcome |= {
            "snapshot": iso(snapshot),
            "rows": rows.num_rows,
            "file": file.path,
            "call_ids": [answer.call_id],
            "credits": answer.credits,
            "server_time": None if answer.server_time is None else iso(answer.server_time),
            "sha256": answer.sha256,
        }
        if fault:
            raise unusable(self.endpoint_name, fault, answer.call_id)

    def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
        """Make one call, where its answer would find room; `rows` bounds what it can cost.

        Raises:
            WindowClosedError: the window that is served has ended; no call was made.
        """
        require_open(self.context.window, self.context.clock.now())
        self.context.bronze.require_space(self.endpoint_name, snapshot, self.endpoint.largest_answer)
        answer = self.context.client.get(self.endpoint, rows, **parameters)
        self._late = fault_of_time(self.context.window, self.context.clock.now())
        return answer

    def parse(self, answer: Answer) -> Iterator[RawRecord]:
        """Yield the records of an answer.

        Raises:
            AnswerError: `data` is not of the shape this endpoint sends, or has no record.
        """
        self._require_shape(answer)
        if not answer.records or (not answer.is_list and not answer.records[0].value):
            raise AnswerError(
                f"{self.endpoint_name} answered without a single record (call {answer.call_id})",
                hint="nothing was stored; run again later, and see the call in metadata/calls/",
            )
        yield from answer.records

    def _require_shape(self, answer: Answer) -> None:
        many = self.endpoint.shape is Shape.LIST
        if answer.is_list != many:
            sent, expected = ("list", "single record") if answer.is_list else ("single record", "list")
            raise AnswerError(
                f"{self.endpoint_name} sent a {sent}, a {expected} was expected (call {answer.call_id})",
                hint="nothing was stored; the API may have changed, see the call in metadata/calls/",
                reason=f"it is a {sent}, a {expected} was expected",
            )

    # --- whether it can be right --------------------------------------------------------------------------------------

    def _records_of(self, answer: Answer) -> tuple[list[RawRecord], str]:
        """Return the records, and why the answer is unusable where it is of another shape: it is kept all the same.

        Raises:
            AnswerError: there is nothing in it to keep.
        """
        try:
            return list(self.parse(answer)), self._late
        except AnswerError as exc:
            if not any(record.value for record in answer.records):
                raise
            return answer.records, str(exc.context.get("reason", exc.message))

    def _tally(self) -> Tally:
        return Tally(self.key, self.measures, self.unbuilt)

    def _fault_in(self, rows: pa.Table, tally: Tally) -> str:
        """Return why an answer is unusable, by the records that were typed last and those counted before; "" if not."""
        tally.add(rows)
        return tally.fault(self.context.settings.unusable_share)

    def _fault_of_repeats(self, rows: pa.Table) -> str:
        """Return why an answer is unusable whose records, typed last, had most of them come already; "" if not."""
        repeats = self._repeated > self.context.settings.unusable_share * rows.num_rows
        return f"{self._repeated} of {rows.num_rows} records are of what had come already" if repeats else ""

    def known_rows(self) -> int | None:
        """Return how many rows a whole answer has, by what is known before; None where nothing is.

        Raises:
            StorageError: Bronze cannot be listed.
        """
        return self.rows_before() if self.endpoint.shape is Shape.LIST else None

    def usual_rows(self) -> int | None:
        """Return how many rows the answers lately had; None where there is none, or where an answer is no list.

        Raises:
            StorageError: Bronze cannot be listed.
        """
        return self.known_rows()

    def _fault_of_length(self, known: int, usual: int, unit: Unit) -> str:
        """Return why a list is unusable, where it is far shorter than is known; of one shorter than usual, tell."""
        rows = len(self._keys)
        if is_far_short(rows, known, self.context.settings.unusable_share):
            return f"{rows} records came, {known} are known"
        ids, share = [part for key in self._keys for part in key], self.context.settings.unusable_share
        if self.keeps_ids and (fault := fault_of_ids(self.context.bronze, self.endpoint_name, ids, share)):
            return fault
        if is_noticeably_short(rows, usual):
            unit.notices.append(f"{self.endpoint_name}: only {rows} records came, {usual} were known")
            log.warning("extract.shrunk", extra={"fields": {"endpoint": self.endpoint_name, "rows": rows}})
        return ""

    # --- rows ---------------------------------------------------------------------------------------------------------

    def typed(
        self, call_id: str, records: Iterable[RawRecord], snapshot: datetime, **constants: Any
    ) -> tuple[pa.Table, bool]:
        """Type records; also tell whether all of this snapshot so far are clean (see BronzeNote).

        Args:
            call_id: the call that brought them.
            records: the records.
            snapshot: their snapshot.
            constants: values of columns that the request says, not the record.
        """
        found = list(records)
        values, unfit = fitted(self.columns, [self.subject_of(record.value) for record in found], constants)
        numbers = range(self._records, self._records + len(found))
        self._records += len(found)  # counted on over the parts of a snapshot: they tell which of two records came last
        raw = [record.raw for record in found]
        common: list[Sequence[Any]] = [[snapshot] * len(raw), [call_id] * len(raw), numbers, raw, unfit]
        return bronze_rows(self.columns, common, values), self._is_clean(values, unfit)

    def subject_of(self, record: Any) -> Any:
        """Return what the columns are taken from: as a rule the record itself."""
        return record

    def _is_clean(self, values: dict[str, list[Any]], unfit: list[list[str] | None]) -> bool:
        keys = list(zip(*([self.key_part(name, value) for value in values[name]] for name in self.key), strict=True))
        missing = any(part is None for key in keys for part in key)
        known = len(self._keys)
        self._keys.update(keys)
        self._repeated = len(keys) - (len(self._keys) - known)
        return not missing and not self._repeated and not any(unfit) and not has_long_text(self.columns, values)

    def key_part(self, name: str, value: Any) -> Any:  # noqa: ARG002 - for overrides
        """Return the value of a key column as it identifies a record; None where it does not."""
        return trimmed(value)

    def _note(
        self,
        call_id: str | None,
        *,
        clean: bool,
        is_last: bool = True,
        scan: ScanNote | None = None,
        unusable: str = "",
    ) -> BronzeNote:
        window = self.context.window
        start = None if window is None else window.start
        return BronzeNote(clean, start, is_last and not unusable, scan, call_id, unusable)

    def _keep(
        self, rows: pa.Table, note: BronzeNote, unit: Unit, snapshot: datetime, part: int | None = None
    ) -> BronzeFile:
        """Write one answer to Bronze and count it; one that is unusable brings the unit nothing."""
        file = self.context.bronze.write(self.endpoint_name, snapshot, rows, note, part)
        if note.unusable:
            return file
        unit.rows_in += rows.num_rows
        unit.rows_loaded += rows.num_rows
        if snapshot not in unit.snapshots:
            unit.snapshots.append(snapshot)
        return file

    def _journal(self, started: datetime, outcome: dict[str, Any]) -> None:
        ended = self.context.clock.now()
        window = self.context.window
        Journal(self.context.metadata_dir, Phase.EXTRACT, self.endpoint_name).append(
            {
                "run_id": self.context.run_id,
                "window_start": None if window is None else iso(window.start),
                "started_at": iso(started),
                "ended_at": iso(ended),
                "seconds": round((ended - started).total_seconds(), 3),
                **outcome,
            }
        )
