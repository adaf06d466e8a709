"""Bronze: raw snapshots, one Parquet file per extractor run; the only code that builds their names.

lake/bronze/<endpoint>/YYYY-MM/<endpoint with _>-YYYYMMDD_HHMMSS.parquet
lake/bronze/<endpoint>/YYYY-MM/<endpoint with _>-YYYYMMDD_HHMMSS-NNN.parquet   where a run makes several calls
lake/set-aside/<endpoint>/...                                                  the same, of what was taken out of it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cryptoelt.clock import FUTURE
from cryptoelt.errors import DamagedFileError, UnreadableFileError
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.metadata.formats import FormatError, NewerFormatError

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

    def torn(self, endpoint: str) -> list[BronzeSnapshot]:
        """Return what is still in Bronze of snapshots that were set aside in part, oldest first.

        A copy of what was set aside, put back with some or all of its files, is none of them.
        """
        aside = {source.snapshot: source for source in self.aside(endpoint)}
        there = self.snapshots(endpoint) if aside else []
        return [source for source in there if source.snapshot in aside and _are_parts(source, aside[source.snapshot])]

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

    def last_usable(self, endpoint: str) -> datetime | None:
        """Return when the newest snapshot of an endpoint was taken that is not unusable, or None."""
        return next((found.snapshot for found in self._newest_first(endpoint) if not self._is_unusable(found)), None)

    def _is_unusable(self, snapshot: BronzeSnapshot) -> bool:
        """Tell whether a snapshot is a list or a record that cannot be right: its last page says so for all of them."""
        try:
            note = self.footer(snapshot.files[-1]).note
        except DamagedFileError:
            return False
        return bool(note.unusable) and not note.is_unusable_part

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
            UnreadableFileError: the file may not be read by this user.
            DamagedFileError: it is missing, cut off, not Parquet, not of Bronze, or of a newer format.
        """
        try:
            with self.store.open(file.path) as stream, pq.ParquetFile(stream) as parquet:
                schema = parquet.schema_arrow
                rows, note = parquet.metadata.num_rows, BronzeNote.of(schema.metadata)
        except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as exc:
            raise _not_read(self.location(file), exc) from exc
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
            UnreadableFileError: it may not be read by this user.
            DamagedFileError: it is missing or cannot be read.
        """
        try:
            with self.store.open(file.path) as stream:
                return pq.read_table(stream, columns=columns).replace_schema_metadata(None)
        except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as exc:
            raise _not_read(self.location(file), exc) from exc

    def footer_of(self, snapshot: BronzeSnapshot) -> BronzeFooter:
        """Read the footers of all files of a snapshot as one: of those that are no unusable answer of a scan.

        Raises:
            DamagedFileError: one of them is missing or cannot be read.
        """
        every = [self.footer(file) for file in self._all_of(snapshot)]
        footers = [footer for footer in every if not footer.note.is_unusable_part]
        last = (footers or every)[-1].note
        clean = all(footer.note.clean for footer in footers)
        note = BronzeNote(clean, every[0].note.window, last.is_last, unusable=last.unusable)
        files = tuple(file for footer in footers for file in footer.files) or snapshot.files[:1]
        return BronzeFooter(sum(footer.rows for footer in footers), every[0].schema, note, files)

    def locations(self, footer: BronzeFooter) -> list[str]:
        """Return the paths or URIs under which Spark finds the files of a footer."""
        return [self.location(file) for file in footer.files]

    def has_rows(self, snapshot: BronzeSnapshot) -> bool:
        """Tell whether a snapshot holds a record that tables are built from.

        A scan of those who publish nothing holds none, nor does an answer that is unusable. A file that cannot be read
        may hold some.
        """
        try:
            last = self.footer(snapshot.files[-1])
            if last.note.unusable and not last.note.is_unusable_part:
                return False
            footers = chain([last], map(self.footer, snapshot.files[:-1]))
            return any(footer.rows and not footer.note.unusable for footer in footers)
        except DamagedFileError:
            return True

    def _all_of(self, snapshot: BronzeSnapshot) -> tuple[BronzeFile, ...]:
        for number, file in enumerate(snapshot.files, start=1):
            if file.part is not None and file.part != number:
                path = self.path_of(snapshot.endpoint, snapshot.snapshot, number)
                raise damaged(self.store.location(path), "this part of the snapshot is missing")
        return snapshot.files


def _are_parts(one: BronzeSnapshot, other: BronzeSnapshot) -> bool:
    """Tell whether two halves of a snapshot have no file in common."""
    return {file.part for file in one.files}.isdisjoint(file.part for file in other.files)


def _file_of(endpoint: str, path: str, name: str) -> BronzeFile | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        snapshot = datetime.fromisoformat(match["stamp"].replace("_", "T")).replace(tzinfo=UTC)  # faster than strptime
    except ValueError:
        return None
    return BronzeFile(endpoint, snapshot, path, None if match["part"] is None else int(match["part"]))


def _not_read(location: str, exc: Exception) -> DamagedFileError:
    """Return the error for a file by why it was not read: what to do next differs."""
    match exc:
        case PermissionError():
            return UnreadableFileError(
                f"Bronze file {location} cannot be read: {exc.strerror}", hint="check its owner", file=location
            )
        case NewerFormatError():
            return DamagedFileError(
                f"Bronze file {location} cannot be read: {exc}",
                hint="use the version that wrote it, or a later one; other snapshots are not held up",
                file=location,
            )
        case FormatError():
            return DamagedFileError(
                f"Bronze file {location} is damaged: its note cannot be understood: {exc}",
                hint="put back a good copy, or take the file out of the lake; other snapshots are not held up",
                file=location,
            )
        case _:
            return damaged(location, str(exc) or type(exc).__name__)


def damaged(location: str, reason: str) -> DamagedFileError:
    """Return the error for a Bronze file that cannot be read."""
    return DamagedFileError(
        f"Bronze file {location} is damaged: {reason.splitlines()[0]}",
        hint="put back a good copy; the next run takes it in, other snapshots are not held up",
        file=location,
    )
