"""`ops.load_batch`: what is loaded, as the database in use says; and the journal that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.metadata.jsonl import read_lines, read_newest_first
from cryptoelt.results import Status

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from cryptoelt.metadata.journals import Journal

#: Lines of the journal among which the newest batch is looked for before all of them are read.
_LATEST = 100
_FIELDS = (
    "load_batch_id, run_id, table_name, silver_table_id, silver_version, snapshots,"
    " rows_in, rows_loaded, rows_present, rows_quarantined, started_at, ended_at, incomplete_snapshots"
)


@dataclass(frozen=True)
class Counts:
    """Rows of one load: in = loaded + present + quarantined."""

    loaded: int
    present: int
    quarantined: int

    @property
    def rows_in(self) -> int:
        """Every row that was to be loaded."""
        return self.loaded + self.present + self.quarantined


@dataclass(frozen=True)
class Batch:
    """One committed load of one table: a row of `ops.load_batch`."""

    load_batch_id: int
    run_id: str
    table_name: str
    silver_table_id: str | None
    silver_version: int | None
    snapshots: tuple[datetime, ...]
    counts: Counts
    started_at: datetime
    ended_at: datetime
    incomplete: tuple[datetime, ...] = ()

    def insert(self, cursor: Cursor) -> None:
        """Insert the row; it counts when the transaction is committed."""
        counts = self.counts
        cursor.execute(
            f"INSERT INTO ops.load_batch ({_FIELDS}) OVERRIDING SYSTEM VALUE"  # noqa: S608 - constant names
            " VALUES (%s, %s, %s, %s, %s, %s::timestamptz[], %s, %s, %s, %s, %s, %s, %s::timestamptz[])",
            (
                self.load_batch_id,
                self.run_id,
                self.table_name,
                self.silver_table_id,
                self.silver_version,
                list(self.snapshots),
                counts.rows_in,
                counts.loaded,
                counts.present,
                counts.quarantined,
                self.started_at,
                self.ended_at,
                list(self.incomplete),
            ),
        )

    def as_journal_line(self) -> dict[str, Any]:
        """Return the line of `metadata/load/<table>.jsonl`."""
        return {
            "run_id": self.run_id,
            "load_batch_id": self.load_batch_id,
            "status": (Status.DONE if self.snapshots else Status.NOTHING).value,
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "seconds": round((self.ended_at - self.started_at).total_seconds(), 3),
            "silver_table_id": self.silver_table_id,
            "silver_version": self.silver_version,
            "snapshots": [iso(moment) for moment in self.snapshots],
            "incomplete_snapshots": [iso(moment) for moment in self.incomplete],
            "rows_in": self.counts.rows_in,
            "rows_loaded": self.counts.loaded,
            "rows_present": self.counts.present,
            "rows_quarantined": self.counts.quarantined,
        }


class LoadedTable:
    """What `ops.load_batch` says of one table, and of one Delta table as its source."""

    def __init__(self, connection: Connection, table: str, silver_table_id: str) -> None:
        self._connection = connection
        self._table = table
        place = self._rows(
            "SELECT silver_version, snapshots FROM ops.load_batch WHERE table_name = %s AND silver_table_id = %s"
            " AND superseded_at IS NULL AND silver_version IS NOT NULL"
            " ORDER BY silver_version DESC, load_batch_id DESC LIMIT 1",
            (table, silver_table_id),
        )
        self.version: int | None = place[0][0] if place else None
        self.snapshots_of_version: Collection[datetime] = place[0][1] if place else ()

    def lacks(self, snapshots: Collection[datetime]) -> bool:
        """Tell whether some of these snapshots were never loaded."""
        return not set(snapshots) <= self.snapshots()

    def snapshots(self, since: datetime | None = None) -> set[datetime]:
        """Return every snapshot ever loaded into the table, or those from a moment on."""
        if since is None:
            query = "SELECT DISTINCT unnest(snapshots) FROM ops.load_batch WHERE table_name = %s"
            return {row[0] for row in self._rows(query, (self._table,))}
        # The newest snapshot of a batch stands last in it and is indexed: what lies further back is not read.
        query = (
            "SELECT DISTINCT moment FROM ops.load_batch CROSS JOIN unnest(snapshots) AS moment"
            " WHERE table_name = %s AND snapshots[cardinality(snapshots)] >= %s AND moment >= %s"
        )
        return {row[0] for row in self._rows(query, (self._table, since, since))}

    def are_replaced_by(self, runs: Collection[str], snapshots: Collection[datetime]) -> bool:
        """Tell whether one of these runs has loaded all of these snapshots, and nobody replaced that since."""
        query = (
            "SELECT FROM ops.load_batch WHERE table_name = %s AND run_id = ANY(%s) AND superseded_at IS NULL"
            " AND snapshots @> %s::timestamptz[] LIMIT 1"
        )
        return bool(self._rows(query, (self._table, list(runs), list(snapshots))))

    def batches(self, limit: int | None = None) -> list[Batch]:
        """Return the batches of this table, newest first."""
        rows = self._rows(
            f"SELECT {_FIELDS} FROM ops.load_batch WHERE table_name = %s"  # noqa: S608 - constant names
            " ORDER BY load_batch_id DESC LIMIT %s",
            (self._table, limit),
        )
        return [
            Batch(
                number, run, table, table_id, version, tuple(snapshots), Counts(*counts), start, end, tuple(incomplete)
            )
            for number, run, table, table_id, version, snapshots, _, *counts, start, end, incomplete in rows
        ]

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()


def next_batch_id(cursor: Cursor) -> int:
    """Take the number of the next load batch; one that is rolled back leaves a gap."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence('ops.load_batch', 'load_batch_id'))")
    row = cursor.fetchone()
    if row is None:
        raise AssertionError("nextval returned no row")
    return int(row[0])


def forget_versions_above(cursor: Cursor, table: str, silver_table_id: str, version: int) -> None:
    """Clear versions that Delta has given out anew; the batches and their snapshots stay."""
    cursor.execute(
        "UPDATE ops.load_batch SET silver_version = NULL"
        " WHERE table_name = %s AND silver_table_id = %s AND silver_version >= %s",
        (table, silver_table_id, version),
    )


def supersede(cursor: Cursor, table: str, snapshots: Collection[datetime], now: datetime) -> None:
    """Mark the batches whose snapshots are all being replaced."""
    cursor.execute(
        "UPDATE ops.load_batch SET superseded_at = %s WHERE table_name = %s AND superseded_at IS NULL"
        " AND snapshots <> '{}' AND snapshots <@ %s::timestamptz[]",
        (now, table, list(snapshots)),
    )


def repair_journal(journal: Journal, loaded: LoadedTable) -> None:
    """Append the lines of committed batches that the journal lacks: a process may die between the two.

    Usually the newest batch is the last line, or a few failures came after it, and that is all that is looked at.

    Raises:
        StorageError: the journal cannot be read or written.
    """
    newest = loaded.batches(limit=1)
    if not newest:
        return
    wanted = _identity(newest[0].as_journal_line())
    if any(_identity(line) == wanted for line in islice(read_newest_first(journal.path), _LATEST)):
        return
    written = {_identity(line) for line in read_lines(journal.path)}
    lines = [batch.as_journal_line() for batch in reversed(loaded.batches())]
    for line in lines:
        if _identity(line) not in written:
            journal.append(line)


def _identity(line: dict[str, Any]) -> tuple[object, ...]:
    return tuple(str(line.get(name)) for name in ("run_id", "load_batch_id", "started_at"))
