"""Bronze: raw snapshots, one Parquet file per extractor run; the only code that builds their names.

lake/bronze/<endpoint>/YYYY-MM/<endpoint with _>-YYYYMMDD_HHMMSS.parquet
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cryptoelt.errors import DamagedFileError

if TYPE_CHECKING:
    from typing import BinaryIO

    from cryptoelt.lake.store import Store

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
#: Columns of every Bronze file, before the typed ones. `unfit` lists the fields whose value no typed column can hold,
#: as `field=rule`; NULL where all fit.
COMMON_FIELDS: tuple[pa.Field[Any], ...] = (
    pa.field("snapshot_timestamp", UTC_MICROSECONDS, nullable=False),
    pa.field("call_id", pa.string(), nullable=False),
    pa.field("record_number", pa.int64(), nullable=False),
    pa.field("raw", pa.string(), nullable=False),
    pa.field("unfit", pa.list_(pa.string())),
)
_MONTH = re.compile(r"\d{4}-\d{2}")
_STAMP = "%Y%m%d_%H%M%S"
_STAMP_LENGTH = len("20261123_103000")


@dataclass(frozen=True)
class BronzeFile:
    """One file of Bronze."""

    endpoint: str
    snapshot: datetime
    path: str


@dataclass(frozen=True)
class BronzeFooter:
    """What the footer of a Bronze file says without reading its rows.

    `clean` is what the extractor found while typing the records: every field fits its column, no key is missing or
    repeated, no text holds a NUL. It only ever saves work; where it is False the rows are looked at.
    """

    rows: int
    schema: pa.Schema
    clean: bool


class Bronze:
    """The raw snapshots of a lake."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def path_of(self, endpoint: str, snapshot: datetime) -> str:
        """Return where the snapshot of an endpoint lies."""
        moment = snapshot.astimezone(UTC)
        name = f"{endpoint.replace('/', '_')}-{moment.strftime(_STAMP)}.parquet"
        return f"bronze/{endpoint}/{moment:%Y-%m}/{name}"

    def require_space(self, endpoint: str, snapshot: datetime, size: int) -> None:
        """Raise StorageError where an answer of `size` bytes could not be kept; asked before it is paid for.

        Raises:
            StorageError: there is too little room, or a folder on the way is somebody else's.
        """
        self.store.require_space(size, self.path_of(endpoint, snapshot))

    def write(self, endpoint: str, snapshot: datetime, rows: pa.Table, *, clean: bool) -> BronzeFile:
        """Write one snapshot, whole and durable, or not at all.

        Raises:
            StorageError: the disk is full or not writable, or the snapshot exists already.
        """
        path = self.path_of(endpoint, snapshot)
        rows = rows.replace_schema_metadata({"cryptoelt.clean": str(clean).lower()})

        def write(stream: BinaryIO) -> None:
            pq.write_table(rows, stream, compression="zstd", coerce_timestamps="us")

        self.store.put_if_absent(path, write)
        return BronzeFile(endpoint, snapshot, path)

    def files(self, endpoint: str, after: datetime | None = None) -> list[BronzeFile]:
        """Return the snapshots of an endpoint above `after`, oldest first; only months that can hold one are listed."""
        first_month = "" if after is None else f"{after.astimezone(UTC):%Y-%m}"
        found = []
        for month in self._months(endpoint):
            if month >= first_month:
                found += self._files_of_month(endpoint, month)
        return [file for file in found if after is None or file.snapshot > after]

    def last_snapshot(self, endpoint: str) -> datetime | None:
        """Return the newest snapshot of an endpoint, or None."""
        for month in reversed(self._months(endpoint)):
            files = self._files_of_month(endpoint, month)
            if files:
                return files[-1].snapshot
        return None

    def _months(self, endpoint: str) -> list[str]:
        return [name for name in self.store.list(f"bronze/{endpoint}") if _MONTH.fullmatch(name)]

    def _files_of_month(self, endpoint: str, month: str) -> list[BronzeFile]:
        """Return the snapshots of one month; a copy that somebody left there under another name is none of them."""
        files = []
        for name in self.store.list(f"bronze/{endpoint}/{month}"):
            snapshot = _snapshot_of(name)
            if snapshot is not None and self.path_of(endpoint, snapshot) == f"bronze/{endpoint}/{month}/{name}":
                files.append(BronzeFile(endpoint, snapshot, f"bronze/{endpoint}/{month}/{name}"))
        return files

    def location(self, file: BronzeFile) -> str:
        """Return the path or URI under which Spark finds a file."""
        return self.store.location(file.path)

    def footer(self, file: BronzeFile) -> BronzeFooter:
        """Read the footer of a file.

        Raises:
            DamagedFileError: the file is missing, cut off, not Parquet, or not of Bronze.
        """
        try:
            with self.store.open(file.path) as stream, pq.ParquetFile(stream) as parquet:
                schema = parquet.schema_arrow
                clean = (schema.metadata or {}).get(b"cryptoelt.clean") == b"true"
                footer = BronzeFooter(parquet.metadata.num_rows, schema, clean)
        except (OSError, ValueError, pa.ArrowException) as exc:
            raise damaged(self.location(file), str(exc) or type(exc).__name__) from exc
        missing = [field.name for field in COMMON_FIELDS if field.name not in schema.names]
        if missing:
            raise damaged(self.location(file), f"it has no column {missing[0]}")
        return footer


def _snapshot_of(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.removesuffix(".parquet")[-_STAMP_LENGTH:], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def damaged(location: str, reason: str) -> DamagedFileError:
    """Return the error for a Bronze file that cannot be read."""
    return DamagedFileError(
        f"Bronze file {location} is damaged: {reason.splitlines()[0]}",
        hint="put back a good copy; the next run takes it in, other snapshots are not held up",
        file=location,
    )
