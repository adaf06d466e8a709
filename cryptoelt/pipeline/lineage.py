"""From a record of a snapshot to the call that brought it: load batch, Silver version, Bronze file, API call.

Silver says which call brought a row, and Bronze which file holds the answer of that call. Where one of them is gone,
the other tells: Bronze is then searched for the record itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.errors import DamagedFileError
from cryptoelt.extract.fields import trimmed
from cryptoelt.identity import folded
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, table_uri
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.lake.bronze import Bronze, BronzeFile, BronzeSnapshot

_CALL_ID = "call_id"
#: Silver's key columns where Bronze calls them otherwise.
_IN_BRONZE = {
    "crypto_id": "id",
    "exchange_id": "id",
    "category_id": "id",
    "blockchain_name": "platform_name",
    "value_timestamp": "timestamp",
}
#: Key columns that Bronze does not have, with what stands in rows of Silver tables that are older than the column.
_NOT_SENT = {"entry": 1}
_BATCH = """
SELECT load_batch_id, table_name, silver_table_id, silver_version, snapshots, run_id, ended_at
FROM ops.load_batch WHERE """
_BATCH_WITH = """table_name = %s AND snapshots[cardinality(snapshots)] >= %s AND %s = ANY (snapshots)
ORDER BY superseded_at IS NOT NULL, load_batch_id LIMIT 1"""


@dataclass(frozen=True)
class LoadBatch:
    """What `ops.load_batch` says of one load."""

    load_batch_id: int
    table: str
    silver_table_id: str | None
    silver_version: int | None
    snapshots: tuple[datetime, ...]
    run_id: str
    ended_at: datetime


@dataclass
class Source:
    """Where a record of a snapshot came from.

    Attributes:
        table: the Silver table that holds it.
        snapshot: its snapshot.
        load_batch_id: the load that took the snapshot in.
        silver_version: the Delta version that added the snapshot.
        bronze_file: the file that holds the answer, or held it.
        bronze_is_there: whether it can be read.
        call_id: the call that brought it.
        call: the call's line in the journal.
        notes: what is gone, and what is known all the same.
    """

    table: str
    snapshot: datetime
    load_batch_id: int | None = None
    silver_version: int | None = None
    bronze_file: str | None = None
    bronze_is_there: bool = False
    call_id: str | None = None
    call: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        return {
            "load_batch_id": self.load_batch_id,
            "silver_table": self.table,
            "silver_version": self.silver_version,
            "snapshot_timestamp": iso(self.snapshot),
            "bronze_file": self.bronze_file,
            "bronze_is_there": self.bronze_is_there,
            "call_id": self.call_id,
            "call": self.call,
        }


class Lineage:
    """Follows records through one warehouse and one lake."""

    def __init__(self, connection: Connection, bronze: Bronze, lake_root: str, metadata_dir: Path) -> None:
        self._connection = connection
        self._bronze = bronze
        self._lake_root = lake_root
        self._metadata_dir = metadata_dir

    def batch(self, load_batch_id: int) -> LoadBatch | None:
        """Return a load; None where `ops.load_batch` does not have it."""
        return self._batch("load_batch_id = %s", load_batch_id)

    def source(self, table: str, snapshot: datetime, key: dict[str, Any], batch: LoadBatch | None = None) -> Source:
        """Follow the record with a key in a snapshot of a Silver table; of several the last, as a load does.

        Args:
            table: the Silver table.
            snapshot: the record's snapshot.
            key: Silver columns and their values; none for the only record of a snapshot.
            batch: the load that wrote the row, where it took in this snapshot.

        Raises:
            StorageError: the lake or the journal of calls cannot be read.
        """
        if batch is None or batch.table != table or snapshot not in batch.snapshots:
            batch = self._batch(_BATCH_WITH, table, snapshot, snapshot)
        found = Source(table, snapshot, None if batch is None else batch.load_batch_id)
        self._in_silver(found, key, batch)
        self._in_bronze(found, key)
        if found.call_id is not None:
            self._find_call(found, found.call_id)
        return found

    def _batch(self, condition: str, *values: object) -> LoadBatch | None:
        with self._connection.cursor() as cursor:
            cursor.execute(_BATCH + condition, values)
            row = cursor.fetchone()
        if row is None:
            return None
        number, table, table_id, version, snapshots, run_id, ended = row
        return LoadBatch(number, table, table_id, version, tuple(snapshots), run_id, ended)

    # --- Silver -------------------------------------------------------------------------------------------------------

    def _in_silver(self, found: Source, key: dict[str, Any], batch: LoadBatch | None) -> None:
        """Find the version that added the snapshot, and the call that brought the record."""
        loaded = None if batch is None else batch.silver_version
        silver = SilverTable(table_uri(self._lake_root, TABLES[found.table].domain, found.table))
        if not silver.exists:
            found.silver_version = loaded
            found.notes.append(f"Silver table {found.table} is gone; `cryptoelt transform` makes it again")
            return
        added = silver.version_of(found.snapshot)
        is_same_table = batch is None or batch.silver_table_id == silver.table_id
        found.silver_version = added if added is not None and is_same_table else loaded
        if not is_same_table:
            found.notes.append(f"Silver table {found.table} was made anew since; its versions are counted from 0 again")
        elif added is None:
            name = "the version" if loaded is None else f"version {loaded}"
            found.notes.append(f"{name} of Silver table {found.table} is gone: the Delta log was cleaned up")
        try:
            found.call_id = _call_in(silver, found.snapshot, key)
        except DamagedFileError as exc:
            found.notes.append(exc.message)
            return
        if found.call_id is None:
            found.notes.append(f"Silver table {found.table} no longer has the row")

    # --- Bronze -------------------------------------------------------------------------------------------------------

    def _in_bronze(self, found: Source, key: dict[str, Any]) -> None:
        """Find the file that holds the answer, by its call where that is known, else by the record."""
        endpoint = TABLES[found.table].endpoint
        snapshot = self._bronze.snapshot_at(endpoint, found.snapshot)
        if snapshot is None:
            found.bronze_file = self._bronze.store.location(self._bronze.path_of(endpoint, found.snapshot))
            found.notes.append(f"Bronze has no file of {endpoint} at {iso(found.snapshot)} any more")
            return
        damaged: list[DamagedFileError] = []
        for file in reversed(snapshot.files):
            try:
                call_id = self._call_of(file, key) if found.call_id is None else found.call_id
                if call_id is not None and self._holds(file, call_id):
                    found.call_id, found.bronze_is_there = call_id, True
                    found.bronze_file = self._bronze.location(file)
                    return
            except DamagedFileError as exc:
                damaged.append(exc)
        missing = [*(str(exc.context["file"]) for exc in damaged), *self._missing_parts(snapshot)]
        found.bronze_file = missing[0] if len(missing) == 1 else None
        found.notes += [exc.message for exc in damaged]
        found.notes += [f"Bronze file {path} is missing" for path in self._missing_parts(snapshot)]

    def _holds(self, file: BronzeFile, call_id: str) -> bool:
        """Tell whether a file is the answer of a call; an older file says so in its rows only."""
        footer = self._bronze.footer(file)
        if footer.note.call_id is not None or not footer.rows:
            return footer.note.call_id == call_id
        return call_id in self._bronze.read_file(file, [_CALL_ID]).column(_CALL_ID).to_pylist()

    def _call_of(self, file: BronzeFile, key: dict[str, Any]) -> str | None:
        """Return the call that brought the last record with a key in a file; None where it holds none."""
        names = self._bronze.footer(file).schema.names
        sent = {name: value for name, value in key.items() if name not in _NOT_SENT}
        wanted = {name if name in names else _IN_BRONZE[name]: _as_sent(value) for name, value in sent.items()}
        rows = self._bronze.read_file(file, [_CALL_ID, *wanted]).to_pylist()
        matching = (row for row in reversed(rows) if all(_as_stored(row[name]) == wanted[name] for name in wanted))
        return next((row[_CALL_ID] for row in matching), None)

    def _missing_parts(self, snapshot: BronzeSnapshot) -> list[str]:
        """Return where the parts lie that are missing between others."""
        there = {file.part for file in snapshot.files if file.part is not None}
        missing = sorted(set(range(1, max(there, default=0))) - there)
        path_of, location = self._bronze.path_of, self._bronze.store.location
        return [location(path_of(snapshot.endpoint, snapshot.snapshot, part)) for part in missing]

    # --- the call -----------------------------------------------------------------------------------------------------

    def _find_call(self, found: Source, call_id: str) -> None:
        from cryptoelt.api.call_journal import CallJournal

        found.call = CallJournal(self._metadata_dir).find(call_id)
        if found.call is None:
            found.notes.append(f"the journal of calls has no line of {call_id}")


def _call_in(silver: SilverTable, snapshot: datetime, key: dict[str, Any]) -> str | None:
    """Return the call that brought the last row with a key; only files that hold the snapshot are read."""
    call_id: str | None = None
    for batch in silver.read([snapshot], columns=[SNAPSHOT, *key, _CALL_ID]):
        for row in _matching(batch, key):
            call_id = row
    return call_id


def _matching(batch: Any, key: dict[str, Any]) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, value in key.items():
        batch = batch.filter(pc.equal(_column(batch, name), pa.scalar(value, _column(batch, name).type)))
    calls: list[str] = batch.column(_CALL_ID).to_pylist()
    return calls


def _column(batch: Any, name: str) -> Any:
    """Return a key column of Silver, as it would be had it always been there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in _NOT_SENT:
        return batch.column(name)
    if name not in batch.schema.names:
        return pa.repeat(_NOT_SENT[name], batch.num_rows)
    return pc.fill_null(batch.column(name), _NOT_SENT[name])


def _as_sent(value: Any) -> Any:
    """Return the value of a key as Bronze holds it; the points of the sentiment's history are texts of Unix seconds."""
    return f"{value.timestamp():.0f}" if isinstance(value, datetime) else _as_stored(value)


def _as_stored(value: Any) -> Any:
    """Return the value of Bronze as the warehouse holds it in a key."""
    text = trimmed(value)
    return folded(text) if isinstance(text, str) else text
