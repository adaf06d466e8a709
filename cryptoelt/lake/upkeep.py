"""Upkeep of Silver: its cost of reading stays the same while its history grows.

Every hundred snapshots the small files of a table are compacted, its log begins anew with a checkpoint, and what no
version of the last thirty days needs is deleted. Any version of these days can be opened at any moment, also when a
process dies in the middle; an older one is refused as cleaned up.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa

from cryptoelt.errors import StorageError
from cryptoelt.lake.compaction import compact, small_files
from cryptoelt.lake.silver import SilverTable, incomplete_uri, rejected_uri
from cryptoelt.metadata.jsonl import sync_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

log = logging.getLogger("cryptoelt.upkeep")

#: How far back every version of a table can be opened.
TIME_TRAVEL = timedelta(days=30)
#: Files of single snapshots with which a table is tended.
SMALL_FILES = 100
#: How old a file is that no version needs before it counts as left behind.
_LEFT_BEHIND = timedelta(days=1)
_OF_VERSION = re.compile(r"\.?(?P<version>\d{20})\..+")
_CHECKPOINT = re.compile(r"(?P<version>\d{20})\.checkpoint\..*parquet")


def tend(uri: str, now: datetime) -> None:
    """Tend a Silver table and those beside it, where that is due.

    The caller holds the run lock and has nothing to write to the table. Upkeep that fails is logged, told, and tried
    again by the next run: a table that was not tended lacks nothing.
    """
    for each in (uri, rejected_uri(uri), incomplete_uri(uri)):
        try:
            _tend_if_due(each, now)
        except StorageError as exc:
            fields = {"table": each, "message": exc.message}
            told = f"warning: {each} could not be tended: {exc.message}"
            log.warning("upkeep.failed", extra={"fields": fields, "told": told})


def _tend_if_due(uri: str, now: datetime) -> None:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        table = DeltaTable(uri)
        files = small_files(table)
        if len(files) < SMALL_FILES:
            return
        before = SilverTable(uri).version
        made = compact(table, Path(uri), files, now)
        SilverTable(uri).make_durable_after(before)
        _checkpoint(uri)
        versions = _forget_versions(Path(uri) / "_delta_log", now - TIME_TRAVEL)
        deleted = _delete_left_behind(uri, now - _LEFT_BEHIND)
    except TableNotFoundError:
        return
    except (DeltaError, OSError, ValueError, pa.ArrowException) as exc:
        raise StorageError(str(exc), hint="see the log") from exc
    fields = {"table": uri, "compacted": len(files), "into": made, "log_files": versions, "deleted": deleted}
    log.info("upkeep.done", extra={"fields": fields})


def _checkpoint(uri: str) -> None:
    """Make a checkpoint of the newest version, durable before anything relies on it."""
    from deltalake import DeltaTable

    table = DeltaTable(uri)
    table.create_checkpoint()
    folder = Path(uri) / "_delta_log"
    for name in (f"{table.version():020d}.checkpoint.parquet", "_last_checkpoint", "."):
        sync_path(folder / name)


def _forget_versions(folder: Path, since: datetime) -> int:
    """Delete the log of the versions that nobody since `since` has seen; return the number of files.

    The log goes on to begin with a checkpoint, the newest one that was there by then. Oldest files go first, so that it
    has no gap at any moment.
    """
    known = [version for version, path in _checkpoints(folder) if path.stat().st_mtime <= since.timestamp()]
    if not known:
        return 0
    names = [(match["version"], name) for name in _names(folder) if (match := _OF_VERSION.fullmatch(name))]
    old = [name for version, name in sorted(names) if int(version) < max(known)]
    for name in old:
        (folder / name).unlink(missing_ok=True)
    return len(old)


def _delete_left_behind(uri: str, since: datetime) -> int:
    """Delete the data files that no version needs which can be opened; return their number.

    Files younger than `since` are left alone: it is not for us to say who is writing them.
    """
    root = Path(uri)
    needed = _needed(uri)
    left = [
        name
        for name in _names(root)
        if name.endswith(".parquet") and name not in needed and (root / name).stat().st_mtime < since.timestamp()
    ]
    for name in left:
        (root / name).unlink(missing_ok=True)
        (root / f".{name}.crc").unlink(missing_ok=True)  # Spark's own checksum of it
    return len(left)


def _needed(uri: str) -> set[str]:
    """Return the data files of all versions that can be opened."""
    from deltalake import DeltaTable

    folder = Path(uri) / "_delta_log"
    first = _first_version(folder)
    actions = pa.table(DeltaTable(uri, version=first).get_add_actions())
    needed = {unquote(str(path)) for path in actions.column("path").to_pylist()}
    for version in range(first + 1, DeltaTable(uri).version() + 1):
        for line in (folder / f"{version:020d}.json").read_text(encoding="utf-8").splitlines():
            if action := json.loads(line).get("add"):
                needed.add(unquote(action["path"]))
    return needed


def _first_version(folder: Path) -> int:
    """Return the oldest version that can be opened."""
    if (folder / f"{0:020d}.json").exists():
        return 0
    return min(version for version, _ in _checkpoints(folder))


def _checkpoints(folder: Path) -> Iterator[tuple[int, Path]]:
    for name in _names(folder):
        if match := _CHECKPOINT.fullmatch(name):
            yield int(match["version"]), folder / name


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
