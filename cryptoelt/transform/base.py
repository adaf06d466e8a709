"""BaseTransformer: Bronze snapshots that Silver lacks, oldest first, each into one idempotent Delta commit."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from cryptoelt.clock import iso, span
from cryptoelt.errors import CryptoEltError, DamagedFileError, StoppedError, TransformError, as_known
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, incomplete_uri, rejected_uri
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase, Status, Unit, error_as_json
from cryptoelt.transform.append import append_once
from cryptoelt.transform.failures import SPARK_FAILURES, spark_failure
from cryptoelt.transform.incomplete import incomplete_marks
from cryptoelt.transform.pending import Pending, find_pending, silver_uri
from cryptoelt.transform.rules import broken_rule, number_entries, split_duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from pyspark.sql import Column, DataFrame, SparkSession

    from cryptoelt.clock import Clock
    from cryptoelt.lake.bronze import Bronze, BronzeFooter, BronzeSnapshot

log = logging.getLogger("cryptoelt.transform")


@dataclass(frozen=True)
class Counts:
    """Rows of one snapshot, or of several: in = loaded + present + quarantined."""

    rows_in: int
    loaded: int
    present: int
    quarantined: int

    def add_to(self, unit: Unit) -> None:
        """Add them to those of a unit."""
        unit.rows_in += self.rows_in
        unit.rows_loaded += self.loaded
        unit.rows_present += self.present
        unit.rows_quarantined += self.quarantined


@dataclass(frozen=True)
class Build:
    """How one Silver table is made from Bronze records.

    Attributes:
        reads: the Bronze columns it is made from.
        key: the Silver columns that identify a row within a snapshot.
        columns: Silver column -> expression over the Bronze columns; snapshot, call and lineage columns are added.
            Columns that the table's model does not have serve the rules.
        derived: further columns, over the ones above: KPIs.
        required: the columns without which a record is rejected, where that is not the whole key.
        incidental: columns in which records of one key may differ and still be the same.
        own_rule: the rule that a record breaks for this table alone, or NULL, over the columns.
        amounts: where records of one key may differ by right, the columns by which they are told apart and numbered.
    """

    reads: frozenset[str]
    key: tuple[str, ...]
    columns: Callable[[], dict[str, Column]]
    derived: Callable[[], dict[str, Column]] = dict
    required: tuple[str, ...] = ()
    incidental: frozenset[str] = frozenset()
    own_rule: Callable[[], Column] | None = None
    amounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class TransformContext:
    """What every transformer works with."""

    spark: Callable[[], SparkSession]
    bronze: Bronze
    lake_root: str
    clock: Clock
    metadata_dir: Path
    run_id: str


class BaseTransformer:
    """Builds the Silver tables of one domain; a subclass says how each of them is made from Bronze."""

    #: The domain, as in the table catalogue.
    domain: ClassVar[str]
    #: Table -> how it is built.
    builds: ClassVar[dict[str, Build]]

    def __init__(self, context: TransformContext) -> None:
        self.context = context

    def should_transform(self, table: str) -> bool:
        """Tell whether Bronze has snapshots that the table lacks."""
        return bool(self.find_pending(table).snapshots)

    def find_pending(self, table: str) -> Pending:
        """Return the Bronze snapshots that the table lacks, oldest first."""
        context = self.context
        return find_pending(table, context.bronze, context.lake_root, context.metadata_dir, context.clock.now())

    def transform_table(self, table: str, unit: Unit) -> None:
        """Build every pending snapshot of a table, oldest first; `unit` is filled as they are committed.

        A damaged Bronze file fails its own snapshot only, the others go on.

        Raises:
            CryptoEltError: a snapshot could not be built.
        """
        started = self.context.clock.now()
        pending: Pending | None = None
        try:
            pending = self.find_pending(table)
            self._transform_pending(pending, table, unit)
        except StoppedError:
            raise
        except Exception as exc:
            self.record_failure(
                table, as_known(exc), started, None if pending is None or unit.snapshots else pending.complete
            )
            raise
        unit.status = Status.DONE if unit.snapshots else Status.NOTHING

    def _transform_pending(self, pending: Pending, table: str, unit: Unit) -> None:
        complete, failures = pending.complete, list[DamagedFileError]()
        for source in pending.snapshots:
            self.context.clock.stop.raise_if_set()
            try:
                self._run_build_step(table, source, complete if failures else source.snapshot, unit)
            except DamagedFileError as exc:
                log.warning("transform.damaged", extra={"fields": {"table": table, "file": source.path}})
                failures.append(exc)
            else:
                complete = complete if failures else source.snapshot
        if failures:
            raise together(failures)

    def _uri(self, table: str) -> str:
        return silver_uri(self.context.lake_root, table)

    def _run_build_step(self, table: str, source: BronzeSnapshot, complete: datetime | None, unit: Unit) -> None:
        """Prepare one snapshot, write it, journal it.

        Raises:
            DamagedFileError: the Bronze file cannot be read.
            TransformError: Spark could not build or write it.
        """
        started = self.context.clock.now()
        footer = self.context.bronze.footer_of(source)
        try:
            good, set_aside = self.prepare(table, footer)
            rejected = None if set_aside is None else rejected_of(set_aside)
            if rejected is not None and rejected.num_rows:
                frame = self.context.spark().createDataFrame(rejected)
                append_once(frame, rejected_uri(self._uri(table)), table, source.snapshot, self.context.run_id)
            if not footer.note.is_last:
                frame = self.context.spark().createDataFrame(incomplete_marks([(source, footer)]))
                append_once(frame, incomplete_uri(self._uri(table)), table, source.snapshot, self.context.run_id)
            silver, added = append_once(good, self._uri(table), table, source.snapshot, self.context.run_id)
        except SPARK_FAILURES as exc:
            self.context.clock.stop.raise_if_set()  # a signal to the whole group has ended the JVM too
            raise spark_failure(table, [source], self.context.bronze, exc) from exc
        quarantined = 0 if rejected is None else rejected.num_rows
        expected = footer.rows - (0 if set_aside is None else set_aside.num_rows)
        if added not in {None, expected}:
            raise TransformError(
                f"{table} at {iso(source.snapshot)}: {added} rows came out of {source.path}, {expected} should have",
                hint="this is a defect of cryptoelt: please report it",
            )
        loaded = added or 0
        counts = Counts(footer.rows, loaded, footer.rows - loaded - quarantined, quarantined)
        counts.add_to(unit)
        unit.snapshots.append(source.snapshot)
        self.record(table, [source], counts, silver, complete, started)

    def prepare(self, table: str, footer: BronzeFooter, tasks: int = 1) -> tuple[DataFrame, pa.Table | None]:
        """Return the good rows of a snapshot or several, and what is set aside where that may be anything.

        Set aside are the records that break a rule, and under the rule '' the duplicates of a record that is kept.

        Args:
            table: the table to build.
            footer: of the Bronze files to build it from.
            tasks: how many files the good rows become at most. In one partition from the start, as is right for a
                single snapshot, nothing is shuffled on the way.
        """
        from cryptoelt.warehouse.schema import indexed_texts, silver_schema

        build = self.builds[table]
        bronze = self.context.spark().read.schema(from_arrow_schema(footer.schema))
        rows = bronze.parquet(*self.context.bronze.locations(footer)).coalesce(tasks)
        columns, derived = build.columns(), build.derived()
        built = rows.select(
            SNAPSHOT, "call_id", "record_number", "raw", "unfit", *(c.alias(n) for n, c in columns.items())
        )
        set_aside: pa.Table | None = None
        if not footer.note.clean or build.own_rule is not None:
            judged = _judged(built, build, tuple(columns), indexed_texts(table))
            bad = judged.where(F.col("rule").isNotNull())
            set_aside = bad.select(SNAPSHOT, "rule", F.col("raw").alias("record"), "call_id").toArrow()
            built = judged.where(F.col("rule").isNull())
        elif build.amounts:
            built = built.withColumn("entry", F.lit(1))
        built = built.withColumns(derived) if derived else built
        schema = from_arrow_schema(silver_schema(table))
        return built.select([F.col(field.name).cast(field.dataType).alias(field.name) for field in schema]), set_aside

    def record(
        self,
        table: str,
        sources: Sequence[BronzeSnapshot],
        counts: Counts,
        silver: SilverTable,
        complete: datetime | None,
        started: datetime,
    ) -> None:
        """Journal what one commit brought: of one snapshot, or of many.

        Raises:
            StorageError: the journal cannot be written.
        """
        ended = self.context.clock.now()
        moments = [iso(source.snapshot) for source in sources]
        first, last = sources[0].path, sources[-1].path
        Journal(self.context.metadata_dir, Phase.TRANSFORM, table).append(
            {
                "run_id": self.context.run_id,
                "status": Status.DONE.value,
                **({"snapshot": moments[0]} if len(moments) == 1 else {"snapshots": moments}),
                "started_at": iso(started),
                "ended_at": iso(ended),
                "seconds": round((ended - started).total_seconds(), 3),
                "rows_in": counts.rows_in,
                "rows_loaded": counts.loaded,
                "rows_present": counts.present,
                "rows_quarantined": counts.quarantined,
                "source": first if len(moments) == 1 else f"{first} to {last}",
                "silver_table_id": silver.table_id,
                "silver_version": silver.version,
                "complete_through": None if complete is None else iso(complete),
            }
        )
        fields = {
            "table": table,
            "snapshot": span([source.snapshot for source in sources]),
            "rows": counts.loaded,
            "quarantined": counts.quarantined,
        }
        log.info("transform.done", extra={"fields": fields})

    def record_failure(self, table: str, error: CryptoEltError, started: datetime, complete: datetime | None) -> None:
        """Journal a failure; what the last line knew of the table's completeness stays known, or is now `complete`."""
        journal = Journal(self.context.metadata_dir, Phase.TRANSFORM, table)
        known = journal.last() or {}
        if complete is not None:
            known["complete_through"] = iso(complete)
        ended = self.context.clock.now()
        journal.append(
            {
                "run_id": self.context.run_id,
                "status": Status.FAILED.value,
                "started_at": iso(started),
                "ended_at": iso(ended),
                "seconds": round((ended - started).total_seconds(), 3),
                "error": error_as_json(error),
                **{name: known.get(name) for name in ("silver_table_id", "silver_version", "complete_through")},
            }
        )


def _judged(rows: DataFrame, build: Build, columns: tuple[str, ...], indexed: Collection[str]) -> DataFrame:
    """Set `rule` on the records that a table cannot have, and '' on those that repeat one it has."""
    rule = broken_rule(build.reads, build.required or build.key, [name for name in columns if name in indexed])
    own = F.lit(None) if build.own_rule is None else build.own_rule()
    judged, key = rows.withColumn("rule", F.coalesce(rule, own)), (SNAPSHOT, *build.key)
    if build.amounts:
        return number_entries(judged, key, build.amounts)
    return split_duplicates(judged, key, tuple(name for name in columns if name not in build.incidental))


def together(failures: list[DamagedFileError]) -> DamagedFileError:
    """Return one error that names every damaged file."""
    first, *others = failures
    if not others:
        return first
    also = ", ".join(str(failure.context["file"]) for failure in others)
    return DamagedFileError(f"{first.message}; damaged too: {also}", hint=first.hint, **first.context)


def rejected_of(set_aside: pa.Table) -> pa.Table:
    """Return what is to be quarantined of the records set aside: each of a snapshot once a rule, no mere duplicate."""
    first: dict[tuple[object, ...], int] = {}
    columns = (set_aside[name].to_pylist() for name in (SNAPSHOT, "rule", "record"))
    for number, (moment, rule, record) in enumerate(zip(*columns, strict=True)):
        if rule:
            first.setdefault((moment, rule, record), number)
    return set_aside.take(pa.array(first.values(), pa.int64()))
