"""Builds many snapshots of a Silver table at once, in place of what it holds of them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from cryptoelt.errors import DamagedFileError, StoppedError, TransformError, as_known
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, incomplete_uri, rejected_uri
from cryptoelt.results import Status
from cryptoelt.transform.append import put_in_place
from cryptoelt.transform.base import Counts, rejected_of, together
from cryptoelt.transform.chunks import chunks
from cryptoelt.transform.failures import SPARK_FAILURES, spark_failure
from cryptoelt.transform.incomplete import incomplete_marks
from cryptoelt.transform.pending import silver_uri

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptoelt.lake.bronze import BronzeSnapshot
    from cryptoelt.results import Unit
    from cryptoelt.transform.base import BaseTransformer
    from cryptoelt.transform.chunks import Chunk

log = logging.getLogger("cryptoelt.transform")

_SECOND = timedelta(seconds=1)
_REJECTED_TYPES: dict[str, pa.DataType] = {
    SNAPSHOT: pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(("rule", "record", "call_id"), pa.string()),
}
_NONE_REJECTED = pa.schema(_REJECTED_TYPES).empty_table()


class Rebuild:
    """One rebuild of some snapshots of a table; a chunk of them is one commit, whole or not at all."""

    def __init__(self, transformer: BaseTransformer, table: str, unit: Unit) -> None:
        self._transformer = transformer
        self._context = transformer.context
        self._table = table
        self._unit = unit
        self._uri = silver_uri(self._context.lake_root, table)
        self._failures: list[DamagedFileError] = []

    def build(self, sources: Sequence[BronzeSnapshot]) -> None:
        """Build these snapshots anew, oldest first; the unit is filled as chunks are committed.

        A damaged Bronze file fails its own snapshot only; what the table holds of that one stays.

        Raises:
            CryptoEltError: a chunk could not be built, or some snapshots were damaged.
        """
        started = self._context.clock.now()
        try:
            self._build_all(sources)
        except StoppedError:
            raise
        except Exception as exc:
            self._transformer.record_failure(self._table, as_known(exc), started, None)
            raise
        self._unit.status = Status.DONE if self._unit.snapshots else Status.NOTHING

    def _build_all(self, sources: Sequence[BronzeSnapshot]) -> None:
        pending = self._transformer.find_pending(self._table)
        lacking, complete = {source.snapshot for source in pending.snapshots}, pending.complete
        for chunk in chunks(self._context.bronze, sources, self._failures):
            self._context.clock.stop.raise_if_set()
            self._unit.steps = (len(self._unit.snapshots), len(sources))
            complete = self._build_what_can_be_read(chunk, lacking, complete)
        if self._failures:
            raise together(self._failures)

    def _build_what_can_be_read(
        self, chunk: Chunk, lacking: set[datetime], complete: datetime | None
    ) -> datetime | None:
        """Build a chunk less the snapshots that turn out to be damaged; return up to when the table is complete."""
        while chunk.sources:
            try:
                return self._build(chunk, lacking, complete)
            except DamagedFileError as exc:
                log.warning("transform.damaged", extra={"fields": {"table": self._table, **exc.context}})
                self._failures.append(exc)
                chunk = chunk.without(self._source_of(chunk, exc))
        return complete

    def _source_of(self, chunk: Chunk, damage: DamagedFileError) -> BronzeSnapshot:
        location = self._context.bronze.location
        return next(s for s in chunk.sources for file in s.files if location(file) == damage.context["file"])

    def _build(self, chunk: Chunk, lacking: set[datetime], complete: datetime | None) -> datetime | None:
        started, footer = self._context.clock.now(), chunk.footer
        snapshots = [source.snapshot for source in chunk.sources]
        try:
            good, set_aside = self._transformer.prepare(self._table, footer, chunk.tasks)
            rejected = _NONE_REJECTED if set_aside is None else rejected_of(set_aside)
            self._put_beside(rejected_uri(self._uri), rejected, snapshots)
            self._put_beside(incomplete_uri(self._uri), incomplete_marks(chunk.pairs), snapshots)
            silver, written = put_in_place(good, self._uri, snapshots, self._context.run_id)
        except SPARK_FAILURES as exc:
            self._context.clock.stop.raise_if_set()  # a signal to the whole group has ended the JVM too
            raise spark_failure(self._table, chunk.sources, self._context.bronze, exc) from exc
        expected = footer.rows - (0 if set_aside is None else set_aside.num_rows)
        if written != expected:
            raise TransformError(
                f"{self._table}: {written} rows came out of {chunk.sources[0].path} to {chunk.sources[-1].path},"
                f" {expected} should have",
                hint="this is a defect of cryptoelt: please report it",
            )
        quarantined = rejected.num_rows
        counts = Counts(footer.rows, written, footer.rows - written - quarantined, quarantined)
        counts.add_to(self._unit)
        self._unit.snapshots += snapshots
        lacking.difference_update(snapshots)
        known = max(snapshots[-1], complete or snapshots[-1])
        complete = min(lacking) - _SECOND if lacking else known
        self._transformer.record(self._table, chunk.sources, counts, silver, complete, started)
        return complete

    def _put_beside(self, uri: str, rows: pa.Table, snapshots: list[datetime]) -> None:
        """Put what is said of these snapshots beside the table; nothing is written where nothing is said, nor was."""
        known = SilverTable(uri)
        if rows.num_rows or (known.exists and known.has_rows_of(snapshots)):
            frame = self._context.spark().createDataFrame(rows).coalesce(1)
            put_in_place(frame, uri, snapshots, self._context.run_id)
