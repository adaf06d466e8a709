"""Compaction: the Silver files of single snapshots become files of many, in one commit that changes no row.

Files are packed in the order of time and each of them once only, so that a file that was packed is never written again,
and those who look for recent snapshots pass over the others by their statistics. Delta's own OPTIMIZE packs by size.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from cryptoelt.clock import iso
from cryptoelt.errors import StorageError
from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.metadata.jsonl import sync_folder, sync_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from deltalake import DeltaTable
    from deltalake.transaction import AddAction

#: What is packed into one file at most; a file of half as many bytes is none of the small ones.
FILE_SNAPSHOTS = 100
_FILE_BYTES = 256 * 2**20
#: Rows of a row group, if a snapshot has not more; memory does not grow beyond one.
_GROUP_ROWS = 50_000
#: Delta's protocol for readers: above it, a row of a data file may be no row of the table.
_READER_VERSION = 1


@dataclass(frozen=True)
class SmallFile:
    """A data file with the rows of one snapshot."""

    path: str
    size: int
    rows: int
    snapshot: datetime


def small_files(table: DeltaTable) -> list[SmallFile]:
    """Return the files of single snapshots in the order of time; none of a table whose files are not plain rows."""
    if table.protocol().min_reader_version > _READER_VERSION:
        return []
    low, high = f"min.{SNAPSHOT}", f"max.{SNAPSHOT}"
    actions = pa.table(table.get_add_actions(flatten=True))
    if low not in actions.column_names:
        return []
    kept = actions.select(["path", "size_bytes", "num_records", low, high]).to_pylist()
    small = [
        SmallFile(action["path"], action["size_bytes"], action["num_records"], action[low])
        for action in kept
        if action[low] is not None and action[low] == action[high] and action["size_bytes"] < _FILE_BYTES // 2
    ]
    return sorted(small, key=lambda file: (file.snapshot, file.path))


def compact(table: DeltaTable, root: Path, files: Sequence[SmallFile], now: datetime) -> int:
    """Pack files into few, durably, in one commit; return how many files that made.

    The commit says that it changes no data, so whoever follows the log passes over it. The files that it replaces stay
    where they are: older versions are made of them.

    Raises:
        StorageError: a file does not hold what the log says of it.
        OSError, ValueError, pa.ArrowException, DeltaError: a file cannot be read or written, or the commit failed.
    """
    from deltalake import CommitProperties, PostCommitHookProperties
    from deltalake.transaction import RemoveAction

    schema: pa.Schema = pa.schema(table.schema().to_arrow())  # type: ignore[arg-type]  # by the Arrow C interface
    packs = [pack for pack in _packs(files) if len(pack) > 1]
    if not packs:
        return 0
    added = [_write(root, schema, pack, now) for pack in packs]
    sync_folder(root)
    removed = [
        RemoveAction(file.path, data_change=False, deletion_timestamp=_milliseconds(now), size=file.size)
        for pack in packs
        for file in pack
    ]
    words = json.dumps({"compacted": len(removed)})
    table.create_write_transaction(
        [*added, *removed],
        "append",
        table.schema(),
        commit_properties=CommitProperties(custom_metadata={"userMetadata": words}),
        post_commithook_properties=PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False),
    )
    return len(added)


def _packs(files: Sequence[SmallFile]) -> Iterator[list[SmallFile]]:
    pack: list[SmallFile] = []
    for file in files:
        if len(pack) == FILE_SNAPSHOTS or sum(packed.size for packed in pack) + file.size > _FILE_BYTES:
            yield pack
            pack = []
        pack.append(file)
    yield pack


def _write(root: Path, schema: pa.Schema, pack: Sequence[SmallFile], now: datetime) -> AddAction:
    """Write one file, whole and durable or not at all, and return the action that adds it."""
    from deltalake.transaction import AddAction

    target = root / f"part-{uuid4()}.zstd.parquet"
    try:
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for rows in _row_groups(root, schema, pack):
                writer.write_table(rows, row_group_size=rows.num_rows)
        sync_path(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    size = target.stat().st_size
    return AddAction(target.name, size, {}, _milliseconds(now), data_change=False, stats=_stats(pack))


def _row_groups(root: Path, schema: pa.Schema, pack: Sequence[SmallFile]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for file in pack:
        waiting.append(_read(root, schema, file))
        if sum(rows.num_rows for rows in waiting) >= _GROUP_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _read(root: Path, schema: pa.Schema, file: SmallFile) -> pa.Table:
    rows = pq.read_table(root / file.path, schema=schema)
    if rows.num_rows != file.rows:
        raise StorageError(
            f"{root / file.path} holds {rows.num_rows} rows, {file.rows} by the Delta log",
            hint="rebuild the table from Bronze",
        )
    return rows


def _stats(pack: Sequence[SmallFile]) -> str:
    """Return Delta's statistics, of the one column by which files are chosen."""
    ends: list[dict[str, Any]] = [{SNAPSHOT: iso(file.snapshot)} for file in (pack[0], pack[-1])]
    rows = sum(file.rows for file in pack)
    return json.dumps({"numRecords": rows, "minValues": ends[0], "maxValues": ends[1], "nullCount": {SNAPSHOT: 0}})


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
