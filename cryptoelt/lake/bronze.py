"""Bronze: raw snapshots, one Parquet file per extractor run; the only code that builds their names.

lake/bronze/<endpoint>/YYYY-MM/<endpoint with _>-YYYYMMDD_HHMMSS.parquet
lake/bronze/<endpoint>/YYYY-MM/<endpoint with _>-YYYYMMDD_HHMMSS-NNN.parquet   where a run makes several calls
lake/set-aside/<endpoint>/...                                                  the same, of what was taken out of it
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cryptoelt.clock import FUTURE, iso, parse_iso
from cryptoelt.errors import DamagedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
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
_BRONZE, _ASIDE = "bronze/", "set-aside/"
_MONTH = re.compile(r"\d{4}-\d{2}")
_STAMP = "%Y%m%d_%H%M%S"
_NAME = re.compile(r"(?P<endpoint>.+)-(?P<stamp>\d{8}_\d{6})(?:-(?P<part>\d{3,}))?\.parquet")


@dataclass(frozen=True)
class BronzeFile:
    """One file of Bronze: a whole snapshot, or one part of it, counted from 1."""

    endpoint: str
    snapshot: datetime
    path: str
    part: int | None = None


@dataclass(frozen=True)
class BronzeSnapshot:
    """What one run fetched of one endpoint."""

    endpoint: str
    snapshot: datetime
    files: tuple[BronzeFile, ...]

    @property
    def path(self) -> str:
        """Its file, or the first and the last of its parts."""
        first, last = self.files[0].path, self.files[-1].path
        return first if len(self.files) == 1 else f"{first} to {last.rpartition('/')[2]}"


@dataclass(frozen=True)
class BronzeNote:
    """What the extractor says of a file, kept in its footer.

    Attributes:
        clean: every field fits its column, no key is missing or repeated, no text holds a NUL. It only ever saves
            work; where it is False the rows are looked at.
        window: when the window began for which the run asked; None where it was asked by hand.
        is_last: whether this answer completes what was asked: False for all pages but the last.
        scan: of a scan of many calls, what it set out to ask and what this file answers.
        call_id: the call whose answer the file holds, also where that has no rows; None where it holds none.
    """

    clean: bool
    window: datetime | None = None
    is_last: bool = True
    scan: dict[str, Any] | None = None
    call_id: str | None = None

    def as_metadata(self) -> dict[str, str]:
        """Return the note as metadata of a Parquet file."""
        note: dict[str, Any] = {"clean": self.clean, "window": None if self.window is None else iso(self.window)}
        note |= {"is_last": self.is_last, "scan": self.scan, "call_id": self.call_id}
        return {"cryptoelt": json.dumps(note)}

    @classmethod
    def of(cls, metadata: dict[bytes, bytes] | None) -> BronzeNote:
        """Read a note; a file without one is merely not known to be clean."""
        text = (metadata or {}).get(b"cryptoelt")
        if text is None:
            return cls(clean=False)
        note = json.loads(text)
        window = None if note["window"] is None else parse_iso(note["window"])
        return cls(note["clean"], window, note["is_last"], note["scan"], note.get("call_id"))


@dataclass(frozen=True)
class BronzeFooter:
    """What the footers of Bronze files say without reading their rows.

    Attributes:
        files: those of them that have rows.
    """

    rows: int
    schema: pa.Schema
    note: BronzeNote
    files: tuple[BronzeFile, ...]


class Bronze:
    """The raw snapshots of a lake.

    Args:
        store: where they lie.
        until: those above this moment are passed over, wherever snapshots are listed.
    """

    def __init__(self, store: Store, until: datetime | None = None) -> None:
        self.store = store
        self._until = until

    def as_of(self, now: datetime) -> Bronze:
        """Return the snapshots without those that lie in the future: nothing may be decided by what they say."""
        return Bronze(self.store, now + FUTURE)

    def future(self, endpoint: str, now: datetime) -> list[BronzeSnapshot]:
        """Return the snapshots of an endpoint that lie in the future, oldest first; as a rule one month is listed."""
        return self.snapshots(endpoint, after=now + FUTURE)

    def path_of(self, endpoint: str, snapshot: datetime, part: int | None = None) -> str:
        """Return where the snapshot of an endpoint lies, or one part of it."""
        moment = snapshot.astimezone(UTC)
        suffix = "" if part is None else f"-{part:03d}"
        name = f"{endpoint.replace('/', '_')}-{moment.strftime(_STAMP)}{suffix}.parquet"
        return f"{_BRONZE}{endpoint}/{moment:%Y-%m}/{name}"

    def require_space(self, endpoint: str, snapshot: datetime, size: int) -> None:
        """Raise StorageError where an answer of `size` bytes could not be kept; asked before it is paid for.

        Raises:
            StorageError: there is too little room, or a folder on the way is somebody else's.
        """
        self.store.require_space(size, self.path_of(endpoint, snapshot))

    def write(
        self, endpoint: str, snapshot: datetime, rows: pa.Table, note: BronzeNote, part: int | None = None
    ) -> BronzeFile:
        """Write one snapshot or one part of it, whole and durable, or not at all.

        Raises:
            StorageError: the disk is full or not writable, or the file exists already.
        """
        path = self.path_of(endpoint, snapshot, part)
        rows = rows.replace_schema_metadata(note.as_metadata())

        def write(stream: BinaryIO) -> None:
            pq.write_table(rows, stream, compression="zstd", coerce_timestamps="us")

        self.store.put_if_absent(path, write)
        return BronzeFile(endpoint, snapshot, path, part)

    def snapshots(self, endpoint: str, after: datetime | None = None) -> list[BronzeSnapshot]:
        """Return the snapshots of an endpoint above `after`, oldest first."""
        groups = groupby(self.files(endpoint, after), key=lambda file: file.snapshot)
        return [BronzeSnapshot(endpoint, snapshot, tuple(files)) for snapshot, files in groups]

    def snapshot_at(self, endpoint: str, moment: datetime) -> BronzeSnapshot | None:
        """Return the snapshot of an endpoint that was taken at a moment; None where there is none. Lists one month."""
        month = f"{moment.astimezone(UTC):%Y-%m}"
        files = tuple(file for file in self._files_of_month(endpoint, month) if file.snapshot == moment)
        return BronzeSnapshot(endpoint, moment, files) if files else None

    def set_aside(self, source: BronzeSnapshot) -> None:
        """Move the files of a snapshot out of Bronze, to the same names below `set-aside`; nothing is deleted.

        Raises:
            StorageError: one of that name was set aside before, or it cannot be moved.
        """
        for file in source.files:
            self.store.move_if_absent(file.path, _ASIDE + file.path.removeprefix(_BRONZE))

    def aside(self, endpoint: str) -> list[BronzeSnapshot]:
        """Return the snapshots of an endpoint that were set aside, oldest first; they are no part of Bronze."""
        files = []
        for month in self.store.list(f"{_ASIDE}{endpoint}"):
            for name in self.store.list(f"{_ASIDE}{endpoint}/{month}"):
                file = _file_of(endpoint, f"{_ASIDE}{endpoint}/{month}/{name}", name)
                files += [] if file is None else [file]
        files.sort(key=lambda file: (file.snapshot, file.part or 0))
        groups = groupby(files, key=lambda file: file.snapshot)
        return [BronzeSnapshot(endpoint, snapshot, tuple(found)) for snapshot, found in groups]

    def files(self, endpoint: str, after: datetime | None = None) -> list[BronzeFile]:
        """Return the files of an endpoint above `after`, oldest first; only months that can hold one are listed."""
        first_month = "" if after is None else f"{after.astimezone(UTC):%Y-%m}"
        found = []
        for month in self._months(endpoint):
            if month >= first_month:
                found += self._files_of_month(endpoint, month)
        return [file for file in found if after is None or file.snapshot > after]

    def last_snapshot(self, endpoint: str) -> datetime | None:
        """Return when the newest snapshot of an endpoint was taken, or None."""
        return next((found.snapshot for found in self._newest_first(endpoint)), None)

    def complete_snapshots(self, endpoint: str, count: int) -> list[BronzeSnapshot]:
        """Return the newest snapshots of which every page is there, at most `count`, oldest first.

        A file that cannot be read makes its snapshot none of them.
        """
        found = (snapshot for snapshot in self._newest_first(endpoint) if self._is_complete(snapshot))
        return list(islice(found, count))[::-1]

    def _is_complete(self, snapshot: BronzeSnapshot) -> bool:
        try:
            return self.footer(self._all_of(snapshot)[-1]).note.is_last
        except DamagedFileError:
            return False

    def _newest_first(self, endpoint: str) -> Iterator[BronzeSnapshot]:
        for month in reversed(self._months(endpoint)):
            groups = groupby(self._files_of_month(endpoint, month), key=lambda file: file.snapshot)
            found = [BronzeSnapshot(endpoint, moment, tuple(files)) for moment, files in groups]
            yield from reversed(found)

    def _months(self, endpoint: str) -> list[str]:
        return [name for name in self.store.list(f"{_BRONZE}{endpoint}") if _MONTH.fullmatch(name)]

    def _files_of_month(self, endpoint: str, month: str) -> list[BronzeFile]:
        """Return the files of one month; a copy that somebody left there under another name is none of them."""
        files = []
        for name in self.store.list(f"{_BRONZE}{endpoint}/{month}"):
            path = f"{_BRONZE}{endpoint}/{month}/{name}"
            file = _file_of(endpoint, path, name)
            if file is None or (self._until is not None and file.snapshot > self._until):
                continue
            if self.path_of(endpoint, file.snapshot, file.part) == path:
                files.append(file)
        return sorted(files, key=lambda file: (file.snapshot, file.part or 0))

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
                rows, note = parquet.metadata.num_rows, BronzeNote.of(schema.metadata)
        except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as exc:
            raise damaged(self.location(file), str(exc) or type(exc).__name__) from exc
        missing = [field.name for field in COMMON_FIELDS if field.name not in schema.names]
        if missing:
            raise damaged(self.location(file), f"it has no column {missing[0]}")
        return BronzeFooter(rows, schema, note, (file,) if rows else ())

    def read(self, snapshot: BronzeSnapshot, columns: list[str]) -> pa.Table:
        """Read some columns of all rows of a snapshot.

        Raises:
            DamagedFileError: one of its files is missing or cannot be read.
        """
        return pa.concat_tables([self.read_file(file, columns) for file in self._all_of(snapshot)])

    def read_file(self, file: BronzeFile, columns: list[str]) -> pa.Table:
        """Read some columns of a file.

        Raises:
            DamagedFileError: it is missing or cannot be read.
        """
        try:
            with self.store.open(file.path) as stream:
                return pq.read_table(stream, columns=columns).replace_schema_metadata(None)
        except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as exc:
            raise damaged(self.location(file), str(exc) or type(exc).__name__) from exc

    def footer_of(self, snapshot: BronzeSnapshot) -> BronzeFooter:
        """Read the footers of all files of a snapshot as one.

        Raises:
            DamagedFileError: one of them is missing or cannot be read.
        """
        footers = [self.footer(file) for file in self._all_of(snapshot)]
        note = BronzeNote(all(footer.note.clean for footer in footers), footers[0].note.window)
        files = tuple(file for footer in footers for file in footer.files) or snapshot.files[:1]
        return BronzeFooter(sum(footer.rows for footer in footers), footers[0].schema, note, files)

    def locations(self, footer: BronzeFooter) -> list[str]:
        """Return the paths or URIs under which Spark finds the files of a footer."""
        return [self.location(file) for file in footer.files]

    def has_rows(self, snapshot: BronzeSnapshot) -> bool:
        """Tell whether a snapshot holds a record; a scan of those who publish nothing holds none.

        A file that cannot be read may hold some.
        """
        if snapshot.files[0].part is None:
            return True
        try:
            return any(self.footer(file).rows for file in snapshot.files)
        except DamagedFileError:
            return True

    def _all_of(self, snapshot: BronzeSnapshot) -> tuple[BronzeFile, ...]:
        for number, file in enumerate(snapshot.files, start=1):
            if file.part is not None and file.part != number:
                path = self.path_of(snapshot.endpoint, snapshot.snapshot, number)
                raise damaged(self.store.location(path), "this part of the snapshot is missing")
        return snapshot.files


def _file_of(endpoint: str, path: str, name: str) -> BronzeFile | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        snapshot = datetime.fromisoformat(match["stamp"].replace("_", "T")).replace(tzinfo=UTC)  # faster than strptime
    except ValueError:
        return None
    return BronzeFile(endpoint, snapshot, path, None if match["part"] is None else int(match["part"]))


def damaged(location: str, reason: str) -> DamagedFileError:
    """Return the error for a Bronze file that cannot be read."""
    return DamagedFileError(
        f"Bronze file {location} is damaged: {reason.splitlines()[0]}",
        hint="put back a good copy; the next run takes it in, other snapshots are not held up",
        file=location,
    )
