"""The lake of a history: Bronze files and Silver tables that vary one real snapshot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.transaction import AddAction, RemoveAction

from cryptoelt.clock import iso
from cryptoelt.frequencies import FREQUENCIES, tables_of
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, commit_metadata
from cryptoelt.lake.store import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

#: Snapshots of a file that was compacted, and the time for which a Delta log still holds the commits one by one.
_PER_FILE = 100
_RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Past:
    """The snapshots of a history.

    Attributes:
        frequency: the frequency that would have fetched them.
        moments: oldest first, each the start of a window.
    """

    frequency: str
    moments: tuple[datetime, ...]

    @classmethod
    def before(cls, now: datetime, frequency: str, count: int) -> Past:
        """Return the last `count` windows of a frequency that began before `now`."""
        a_day = len(FREQUENCIES[frequency].times)
        span = timedelta(days=count * 7 / (5 * a_day) + 7)
        starts = [window.start for window in FREQUENCIES[frequency].windows(now - span, now)]
        return cls(frequency, tuple(starts[-count:]))

    def run_id(self, number: int) -> str:
        """Return the run that fetched a snapshot."""
        return f"{self.moments[number]:%Y%m%dT%H%M%S}-past"

    def batch_id(self, table: str, number: int) -> int:
        """Return the load batch of a table and a snapshot."""
        tables = tables_of(self.frequency)
        return number * len(tables) + tables.index(table) + 1


class _Unsynced(LocalStore):
    """A store that leaves it to the system when files reach the disk: this history need not survive a power cut."""

    def put_if_absent(self, path: str, write: Callable[[BinaryIO], None]) -> None:
        """Write a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            write(stream)


def newest_bronze(bronze: Bronze, endpoint: str) -> pa.Table:
    """Return the rows of an endpoint's newest snapshot."""
    (newest,) = bronze.complete_snapshots(endpoint, 1)
    return bronze.read(newest, bronze.footer_of(newest).schema.names)


def write_bronze(lake: Path, endpoint: str, rows: pa.Table, past: Past) -> None:
    """Write a Bronze file for every moment."""
    bronze = Bronze(_Unsynced(lake))
    for number, moment in enumerate(past.moments):
        bronze.write(endpoint, moment, _varied(rows, number, moment), BronzeNote(clean=True, window=moment))


def newest_silver(uri: str) -> tuple[pa.Table, dict[str, str]]:
    """Return the rows of a Silver table's newest snapshot, and the properties of the table."""
    silver = SilverTable(uri)
    rows = pa.Table.from_batches(silver.read([max(silver.snapshots())]))
    return rows, {name: str(value) for name, value in DeltaTable(uri).metadata().configuration.items()}


def write_silver(
    uri: str, rows: pa.Table, configuration: dict[str, str], past: Past, *, tended: bool
) -> dict[datetime, int]:
    """Write a Silver table and return the version that added each snapshot.

    One commit adds what is older than a Delta log holds: files of a hundred snapshots, or of one where nobody tended
    the table. The others are a commit each, as Spark makes them.
    """
    table = DeltaTable.create(uri, rows.schema, configuration=configuration)
    size = _PER_FILE if tended else 1
    old = sum(moment < past.moments[-1] - _RECENT for moment in past.moments) // size * size
    adds: list[AddAction | RemoveAction] = [
        _file(uri, rows, past, range(start, start + size)) for start in range(0, old, size)
    ]
    table.create_write_transaction(adds, "append", table.schema(), commit_properties=_naming(past.moments[:old]))
    versions = dict.fromkeys(past.moments[:old], 1)
    for number, moment in enumerate(past.moments[old:], start=old):
        write_deltalake(uri, _varied(rows, number, moment), mode="append", commit_properties=_naming([moment]))
        versions[moment] = number - old + 2
        if versions[moment] % 10 == 0:
            DeltaTable(uri).create_checkpoint()  # as Spark does after every ten commits
    return versions


def _file(uri: str, rows: pa.Table, past: Past, numbers: range) -> AddAction:
    """Write one data file of several snapshots and return the action that adds it."""
    path = Path(uri) / f"part-{numbers[0]:05d}-past.snappy.parquet"
    with pq.ParquetWriter(path, rows.schema) as writer:
        for number in numbers:
            writer.write_table(_varied(rows, number, past.moments[number]))
    ends = [{SNAPSHOT: iso(past.moments[number]).replace("Z", ".000Z")} for number in (numbers[0], numbers[-1])]
    stats = {
        "numRecords": rows.num_rows * len(numbers),
        "minValues": ends[0],
        "maxValues": ends[1],
        "nullCount": {SNAPSHOT: 0},
    }
    written = int(past.moments[numbers[-1]].timestamp() * 1000)
    return AddAction(path.name, path.stat().st_size, {}, written, data_change=True, stats=json.dumps(stats))


def _naming(snapshots: tuple[datetime, ...] | list[datetime]) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": commit_metadata(snapshots, run_id="past")})


def _varied(rows: pa.Table, number: int, moment: datetime) -> pa.Table:
    """Return the rows at another moment, every figure multiplied by a random one around 1."""
    random = np.random.default_rng(number)
    for place, field in enumerate(rows.schema):
        if field.name == SNAPSHOT:
            rows = rows.set_column(place, field, pa.array([moment] * rows.num_rows, field.type))
        elif pa.types.is_floating(field.type):
            factors = pa.array(random.uniform(0.8, 1.2, rows.num_rows))
            rows = rows.set_column(place, field, pc.multiply(rows.column(place), factors))
    return rows
