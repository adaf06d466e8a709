"""BaseLoader: what Silver has and the warehouse lacks, each batch in one transaction that happens once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar, assert_never

import psycopg2

from cryptoelt.clock import iso, span
from cryptoelt.errors import LoadError, StorageError, UsageError, as_known
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, table_uri
from cryptoelt.load.batches import (
    Batch,
    Counts,
    LoadedTable,
    forget_versions_above,
    next_batch_id,
    repair_journal,
    supersede,
)
from cryptoelt.load.incomplete import mark_incomplete
from cryptoelt.load.pending import Work, find_work
from cryptoelt.load.rebuild import chosen_work, kept_snapshots
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase, Status, Unit, error_as_json
from cryptoelt.tables import TABLES, TableKind
from cryptoelt.warehouse.engine import transaction
from cryptoelt.warehouse.failures import as_error

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from cryptoelt.clock import Clock
    from cryptoelt.errors import CryptoEltError
    from cryptoelt.load.rebuild import Choice
    from cryptoelt.load.removal import Removal
    from cryptoelt.warehouse.engine import Warehouse
    from cryptoelt.warehouse.schema import Target

log = logging.getLogger("cryptoelt.load")


class BaseLoader:
    """Loads the tables of one domain; a subclass names the domain.

    The pattern of a table follows from its kind in the table catalogue. Nothing heavier than psycopg2 and pyarrow is
    imported until there is something to load.
    """

    #: The domain, as in the table catalogue.
    domain: ClassVar[str]
    #: Tables whose rows follow from Silver alone, so that many snapshots can be copied straight into them.
    copied: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, warehouse: Warehouse, lake_root: str, clock: Clock, run_id: str, metadata_dir: Path) -> None:
        self.warehouse = warehouse
        self.lake_root = lake_root
        self.clock = clock
        self.run_id = run_id
        self.metadata_dir = metadata_dir

    def load_table(self, table: str, unit: Unit, version: int | None = None, *, replace: bool = False) -> None:
        """Load what the warehouse lacks of a table, oldest first; `unit` is filled as batches are committed.

        Args:
            table: the table's name in Silver and in the warehouse.
            unit: is filled; it stays `nothing` where nothing is lacking.
            version: load this Delta version instead of what is pending: add what is missing.
            replace: with `version`, put its snapshots in place of the present ones.

        Raises:
            UsageError: the table has no such version.
            CryptoEltError: a batch failed; those before it are loaded.
        """
        if replace and version is None:
            raise UsageError("replacing needs the version to put in place", hint="pass --version N --replace")
        started = self.clock.now()
        try:
            silver = self.read_delta(table, version)
            if silver.exists:
                self._load(table, silver, unit, version, replace=replace)
        except Exception as exc:
            self._record_failure(table, as_known(exc), unit, started)
            raise

    def load_chosen(self, table: str, unit: Unit, choice: Choice) -> None:
        """Load chosen snapshots of what Silver holds: those the warehouse lacks, or all in place of the present ones.

        Raises:
            CryptoEltError: a batch failed; those before it are loaded.
        """
        started = self.clock.now()
        try:
            self._load_chosen(table, self.read_delta(table), unit, choice)
        except Exception as exc:
            self._record_failure(table, as_known(exc), unit, started)
            raise

    def take_out(self, table: str, unit: Unit, snapshots: Collection[datetime]) -> tuple[datetime, ...]:
        """Take snapshots out of the warehouse that Silver no longer holds, in one transaction; return which it had.

        Raises:
            CryptoEltError: it failed; nothing of the table is changed.
        """
        from cryptoelt.load.removal import removal_work

        started = self.clock.now()
        try:
            silver = self.read_delta(table)
            with self.warehouse.session() as connection:
                loaded = LoadedTable(connection, table, silver.table_id if silver.exists else "")
                work = removal_work(table, silver, loaded, snapshots)
                if work is None:
                    return ()
                repair_journal(Journal(self.metadata_dir, Phase.LOAD, table), loaded)
                self._do([work], connection, table, silver, unit, replace=True)
                return work.gone
        except Exception as exc:
            self._record_failure(table, as_known(exc), unit, started)
            raise

    def should_load(self, table: str) -> bool:
        """Tell whether Silver has something that the warehouse lacks."""
        silver = self.read_delta(table)
        if not silver.exists:
            return False
        with self.warehouse.session() as connection:
            return bool(find_work(silver, self.read_from_dw(connection, table, silver)))

    def read_delta(self, table: str, version: int | None = None) -> SilverTable:
        """Open a Silver table at its newest version, or at an older one.

        Raises:
            UsageError: it has no such version.
        """
        uri = table_uri(self.lake_root, TABLES[table].domain, table)
        newest = SilverTable(uri)
        if version is None:
            return newest
        if not newest.exists:
            raise UsageError(
                f"{table} has no version {version}: it was never written", hint="run `cryptoelt transform`"
            )
        if not 0 <= version <= newest.version:
            raise UsageError(f"{table} has no version {version}", hint=f"versions are 0 to {newest.version}")
        try:
            chosen = SilverTable(uri, version)
        except StorageError as exc:
            raise _version_gone(table, version, newest.version) from exc
        if not chosen.exists:
            raise _version_gone(table, version, newest.version)
        return chosen

    def read_from_dw(self, connection: Connection, table: str, silver: SilverTable) -> LoadedTable:
        """Return what the warehouse says is loaded of this Silver table."""
        return LoadedTable(connection, table, silver.table_id)

    def write_to_dw(
        self, connection: Connection, table: str, silver: SilverTable, work: Work, *, replace: bool = False
    ) -> Batch:
        """Load some snapshots of Silver in one transaction, its row of `ops.load_batch` included.

        Raises:
            LoadError: the warehouse refuses the rows.
            DatabaseUnavailableError: it went away; nothing of this batch is loaded.
        """
        try:
            with transaction(connection) as cursor:
                return self._write(cursor, table, silver, work, replace=replace)
        except psycopg2.Error as exc:
            error = as_error(exc, self.warehouse.name)
            if isinstance(error, LoadError):
                error = LoadError(f"{table} at {span(work.snapshots)}: {error.message}", hint=error.hint, table=table)
            raise error from exc

    # --- one load -----------------------------------------------------------------------------------------------------

    def _load(self, table: str, silver: SilverTable, unit: Unit, version: int | None, *, replace: bool) -> None:
        with self.warehouse.session() as connection:
            loaded = self.read_from_dw(connection, table, silver)
            repair_journal(Journal(self.metadata_dir, Phase.LOAD, table), loaded)
            pending = find_work(silver, loaded) if version is None else [Work(_snapshots_of(silver), version)]
            self._do(pending, connection, table, silver, unit, replace=replace)

    def _load_chosen(self, table: str, silver: SilverTable, unit: Unit, choice: Choice) -> None:
        with self.warehouse.session() as connection:
            loaded = LoadedTable(connection, table, silver.table_id if silver.exists else "")
            if choice.replace:
                unit.kept = kept_snapshots(silver, loaded, choice)
            if silver.exists:
                repair_journal(Journal(self.metadata_dir, Phase.LOAD, table), loaded)
                work = chosen_work(table, silver, loaded, choice)
                self._do(work, connection, table, silver, unit, replace=choice.replace)

    def _do(
        self,
        pending: list[Work],
        connection: Connection,
        table: str,
        silver: SilverTable,
        unit: Unit,
        *,
        replace: bool,
    ) -> None:
        """Load what is pending, each part in a transaction of its own."""
        journal = Journal(self.metadata_dir, Phase.LOAD, table)
        connection.rollback()  # a transaction left open would keep VACUUM from cleaning up
        for number, work in enumerate(pending):
            if number:
                self.clock.stop.raise_if_set()
            batch = self.write_to_dw(connection, table, silver, work, replace=replace)
            _count(batch, unit)
            journal.append(batch.as_journal_line())
            fields = {"table": table, "load_batch_id": batch.load_batch_id, "rows": batch.counts.loaded}
            log.info("load.committed", extra={"fields": fields})

    def _write(self, cursor: Cursor, table: str, silver: SilverTable, work: Work, *, replace: bool) -> Batch:
        started = self.clock.now()
        batch_id = next_batch_id(cursor)
        counts = Counts(0, 0, 0)
        incomplete: tuple[datetime, ...] = ()
        removal = self._removal(cursor, table, work, started) if work.gone else None
        if work.snapshots:
            incomplete = mark_incomplete(cursor, table, silver, work.snapshots, batch_id, started, replace=replace)
            if replace:
                supersede(cursor, table, work.snapshots, started)
            match TABLES[table].kind:
                case TableKind.STABLE_DIMENSION:
                    counts = self._load_stable_dim_table(cursor, table, silver, work, batch_id, replace=replace)
                case TableKind.SNAPSHOT:
                    counts = self._load_fact_or_variant_table(cursor, table, silver, work, batch_id, replace=replace)
                case TableKind.LINK:
                    counts = self._load_link_table(cursor, table, silver, work, batch_id, replace=replace)
                case other:
                    assert_never(other)
        if work.regressed and work.version is not None:
            forget_versions_above(cursor, table, silver.table_id, work.version)
        if removal is not None:
            removal.finish()
        batch = Batch(
            batch_id,
            self.run_id,
            table,
            silver.table_id,
            work.version,
            work.kept,
            counts,
            started,
            self.clock.now(),
            incomplete,
        )
        batch.insert(cursor)
        return batch

    @staticmethod
    def _removal(cursor: Cursor, table: str, work: Work, now: datetime) -> Removal:
        from cryptoelt.load.removal import Removal
        from cryptoelt.warehouse.schema import target_of

        return Removal(cursor, table, target_of(table), work.gone, now)

    def _load_fact_or_variant_table(
        self, cursor: Cursor, table: str, silver: SilverTable, work: Work, batch_id: int, *, replace: bool
    ) -> Counts:
        """Append the snapshots' rows; a row whose key is there is left as it is."""
        from cryptoelt.load.facts import delete_snapshots, infer_parents
        from cryptoelt.load.stage import quarantine_rejected, stage_rows
        from cryptoelt.warehouse.schema import target_of

        target = target_of(table)
        if replace:
            delete_snapshots(cursor, target, work.snapshots)
        rejected = quarantine_rejected(
            cursor, table, silver, work.snapshots, batch_id, self.clock.now(), replace=replace
        )
        new: int | None = None
        if table in self.copied and len(work.snapshots) > 1:
            from cryptoelt.load.bulk import copy_new

            new = staged = copy_new(cursor, target, silver, work.snapshots, batch_id, replace=replace)
        if new is None or staged is None:
            staged = stage_rows(cursor, target, silver.read(work.snapshots, columns=target.staged.names))
            infer_parents(cursor, target, batch_id, work.snapshots if replace else ())
            new = self._insert(cursor, target, table, batch_id)
        self._follow_up(cursor, table, work, batch_id, replace=replace)
        return Counts(new, staged - new, rejected)

    def _load_stable_dim_table(
        self, cursor: Cursor, table: str, silver: SilverTable, work: Work, batch_id: int, *, replace: bool
    ) -> Counts:
        """Insert new keys, update changed ones and keep their former versions as history."""
        from cryptoelt.load.dimension import DimensionMerge
        from cryptoelt.load.facts import infer_parents
        from cryptoelt.load.stage import quarantine_rejected, stage_rows
        from cryptoelt.warehouse.schema import target_of

        target = target_of(table)
        staged = stage_rows(cursor, target, silver.read(work.snapshots, columns=target.staged.names))
        rejected = quarantine_rejected(
            cursor, table, silver, work.snapshots, batch_id, self.clock.now(), replace=replace
        )
        infer_parents(cursor, target, batch_id, work.snapshots if replace else ())
        merge = DimensionMerge(cursor, target, batch_id)
        loaded = self.read_from_dw(cursor.connection, table, silver)
        if loaded.snapshots(since=min(work.snapshots)):
            others = loaded.snapshots() - set(work.snapshots)
            observed = self.read_delta(table).read(others, columns=target.staged.names)
            new = merge.late(observed, replaced=work.snapshots if replace else ())
        else:
            new = merge.in_order()
        return Counts(new, staged - new, rejected)

    def _load_link_table(
        self, cursor: Cursor, table: str, silver: SilverTable, work: Work, batch_id: int, *, replace: bool
    ) -> Counts:
        """Turn observations into intervals; for domains that have a link."""
        raise NotImplementedError(table)

    def _insert(self, cursor: Cursor, target: Target, table: str, batch_id: int) -> int:  # noqa: ARG002 - for overrides
        """Insert the staged rows that are new; return how many that were."""
        from cryptoelt.load.facts import insert_new

        return insert_new(cursor, target, batch_id)

    def _follow_up(self, cursor: Cursor, table: str, work: Work, batch_id: int, *, replace: bool) -> None:
        """Bring up to date what depends on the rows just appended, in the same transaction; for domains that need it.

        What was rejected of these snapshots is in `ops.quarantine` by now.
        """

    def _record_failure(self, table: str, error: CryptoEltError, unit: Unit, started: datetime) -> None:
        """Journal a failure; a journal that cannot be written either is added to the error."""
        ended = self.clock.now()
        line = {
            "run_id": self.run_id,
            "status": (Status.PARTIAL if unit.snapshots else Status.FAILED).value,
            "started_at": iso(started),
            "ended_at": iso(ended),
            "seconds": round((ended - started).total_seconds(), 3),
            "error": error_as_json(error),
        }
        try:
            Journal(self.metadata_dir, Phase.LOAD, table).append(line)
        except StorageError as exc:
            error.add_note(f"and the journal: {exc.message}")


def _count(batch: Batch, unit: Unit) -> None:
    if batch.snapshots:
        unit.status = Status.DONE
    unit.snapshots.extend(batch.snapshots)
    unit.rows_in += batch.counts.rows_in
    unit.rows_loaded += batch.counts.loaded
    unit.rows_present += batch.counts.present
    unit.rows_quarantined += batch.counts.quarantined


def _snapshots_of(silver: SilverTable) -> tuple[datetime, ...]:
    """Return the snapshots that have rows in the version a table was opened at."""
    import pyarrow.compute as pc

    found: set[datetime] = set()
    for batch in silver.read(columns=[SNAPSHOT]):
        found.update(moment for moment in pc.unique(batch.column(SNAPSHOT)).to_pylist() if moment is not None)
    return tuple(sorted(found))


def _version_gone(table: str, version: int, newest: int) -> UsageError:
    return UsageError(
        f"{table} has no version {version} any more: the Delta log was cleaned up",
        hint=f"choose a newer one, up to {newest}",
    )
