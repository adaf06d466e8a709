"""Silver as its readers see it: Delta tables, read without a JVM.

A table lies at `<lake root>/silver/<domain>/<table>`. Beside it lie its rejected records (`<table>_rejected`), and
which of its snapshots are a list cut short (`<table>_incomplete`), where there are any. Every commit that adds
snapshots names them in its `userMetadata`, so the Delta log is the queue from which the warehouse is loaded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cryptoelt.clock import iso, parse_iso
from cryptoelt.errors import DamagedFileError, StorageError
from cryptoelt.metadata.jsonl import sync_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from deltalake import DeltaTable

SNAPSHOT = "snapshot_timestamp"
_TAKEN_OUT = "taken_out"
_BATCH_ROWS = 20_000
_BUFFER_BYTES = 1 << 20
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class SilverCommit:
    """A Delta commit that added snapshots.

    Attributes:
        replaces: whether it put them in place of what the table held of them, which may be nothing.
    """

    version: int
    snapshots: tuple[datetime, ...]
    replaces: bool = False

    def without(self, taken: Collection[datetime]) -> SilverCommit:
        """Return the commit less some snapshots."""
        return replace(self, snapshots=tuple(moment for moment in self.snapshots if moment not in taken))


def table_uri(lake_root: str, domain: str, table: str) -> str:
    """Return where a Silver table lies."""
    return f"{lake_root}/silver/{domain}/{table}"


def rejected_uri(uri: str) -> str:
    """Return where the rejected records of a Silver table lie."""
    return f"{uri}_rejected"


def incomplete_uri(uri: str) -> str:
    """Return where a Silver table says which of its snapshots are incomplete."""
    return f"{uri}_incomplete"


def commit_metadata(snapshots: Collection[datetime], **counts: object) -> str:
    """Return the `userMetadata` of a commit that adds these snapshots."""
    return json.dumps({"snapshots": [iso(moment) for moment in sorted(snapshots)], **counts})


def removal_metadata(snapshots: Collection[datetime], **more: object) -> str:
    """Return the `userMetadata` of a commit that takes these snapshots out."""
    return json.dumps({_TAKEN_OUT: [iso(moment) for moment in sorted(snapshots)], **more})


class SilverTable:
    """One Silver table, opened at its newest version (or at an older one)."""

    def __init__(self, uri: str, version: int | None = None) -> None:
        self.uri = uri
        self._table: DeltaTable | None = _open(uri, version)

    @property
    def exists(self) -> bool:
        """Tell whether the table was ever written."""
        return self._table is not None

    @property
    def table_id(self) -> str:
        """The identity Delta gave the table when it was made; another one after it was made anew."""
        return str(self._opened.metadata().id)

    @property
    def version(self) -> int:
        """The version this table was opened at."""
        return self._opened.version()

    @property
    def _opened(self) -> DeltaTable:
        if self._table is None:
            raise StorageError(f"no Silver table at {self.uri}", hint="run `cryptoelt transform` first")
        return self._table

    def commits_after(self, version: int) -> list[SilverCommit] | None:
        """Return the commits above `version` that added snapshots, oldest first; None where the log is cut off.

        Snapshots that a later commit took out are left out.
        """
        log = Path(self.uri) / "_delta_log"
        commits: list[SilverCommit] = []
        for number in range(version + 1, self.version + 1):
            try:
                lines = (log / f"{number:020d}.json").read_text(encoding="utf-8").splitlines()
            except FileNotFoundError:
                return None
            metadata = _metadata_of_commit(lines)
            snapshots = _snapshots_named(metadata)
            if taken := _snapshots_named(metadata, _TAKEN_OUT):
                commits = [left for commit in commits if (left := commit.without(taken)).snapshots]
            if snapshots:
                commits.append(SilverCommit(number, snapshots, metadata.get("replaces") is True))
        return commits

    def version_of(self, snapshot: datetime) -> int | None:
        """Return the newest version whose commit added a snapshot; None where the log no longer tells."""
        for path in reversed(self._commit_files()):
            if snapshot in _snapshots_named(_metadata_of_commit(path.read_text(encoding="utf-8").splitlines())):
                return int(path.stem)
        return None

    def written_by(self, runs: Collection[str]) -> dict[datetime, str]:
        """Return the snapshots that these runs wrote and nobody has changed since, and which of the runs did.

        What the log no longer reaches back to is left out.
        """
        written: dict[datetime, str] = {}
        for path in self._commit_files():
            lines = path.read_text(encoding="utf-8").splitlines()
            metadata = _metadata_of_commit(lines)
            named, run_id = _snapshots_named(metadata), str(metadata.get("run_id"))
            if named and run_id in runs:
                written |= dict.fromkeys(named, run_id)
            elif named:
                written = {moment: run for moment, run in written.items() if moment not in named}
            elif _changes_data(lines):
                written.clear()
        return written

    def rows_added_after(self, version: int) -> int:
        """Return how many rows the commits above `version` added, by the statistics in the Delta log."""
        log = Path(self.uri) / "_delta_log"
        added = 0
        for number in range(version + 1, self.version + 1):
            for line in (log / f"{number:020d}.json").read_text(encoding="utf-8").splitlines():
                action = json.loads(line).get("add")
                if action is not None and action.get("dataChange", True):
                    added += int(json.loads(action["stats"])["numRecords"])
        return added

    def rows_put_in_place(self, version: int) -> int:
        """Return how many rows a commit wrote of the snapshots it put in place, rows it merely moved left out."""
        log = Path(self.uri) / "_delta_log" / f"{version:020d}.json"
        metrics: dict[str, str] = {}
        for line in log.read_text(encoding="utf-8").splitlines():
            metrics |= json.loads(line).get("commitInfo", {}).get("operationMetrics", {})
        # Delta leaves out what is 0.
        return int(metrics.get("numOutputRows", 0)) - int(metrics.get("numCopiedRows", 0))

    def make_durable_after(self, version: int) -> None:
        """Put on the disk what the commits above `version` added: Spark leaves that to the system, for half a minute.

        Raises:
            StorageError: the disk refuses.
        """
        root, log = Path(self.uri), Path(self.uri) / "_delta_log"
        try:
            for number in range(version + 1, self.version + 1):
                commit = log / f"{number:020d}.json"
                for line in commit.read_text(encoding="utf-8").splitlines():
                    if action := json.loads(line).get("add"):
                        sync_path(root / unquote(action["path"]))
                sync_path(commit)
            for folder in (log, root, root.parent, root.parent.parent):
                sync_path(folder)
        except OSError as exc:
            raise StorageError(
                f"Silver table {self.uri} cannot be made durable: {exc.strerror}", hint="check the disk"
            ) from exc

    def only_grew_after(self, version: int) -> bool:
        """Tell whether no commit above `version` took snapshots away, as a DELETE or a RESTORE does; False if unknown.

        A commit that puts snapshots in place of themselves takes none away.
        """
        log = Path(self.uri) / "_delta_log"
        for number in range(version + 1, self.version + 1):
            try:
                lines = (log / f"{number:020d}.json").read_text(encoding="utf-8").splitlines()
            except FileNotFoundError:
                return False
            if _changes_data(lines, "remove") and _metadata_of_commit(lines).get("replaces") is not True:
                return False
        return True

    def snapshots(self, after: datetime | None = None) -> set[datetime]:
        """Return the snapshots the table holds, above `after`; also those of which every record was rejected.

        Rejected records are written first. Without the commit of the good ones that follows they are what a process
        left behind that died between the two, and their snapshot is still to be built.
        """
        found = self._snapshots_with_rows(after)
        rejected = SilverTable(rejected_uri(self.uri))
        if rejected.exists:
            without_rows = rejected._snapshots_with_rows(after) - found
            found |= self._committed(without_rows)
        return found

    def has_rows_of(self, snapshots: Collection[datetime]) -> bool:
        """Tell whether the table has rows of one of these snapshots; rejected ones elsewhere do not count."""
        return not self._snapshots_with_rows(min(snapshots) - _SECOND).isdisjoint(snapshots)

    def _snapshots_with_rows(self, after: datetime | None) -> set[datetime]:
        """Return the snapshots of which the table has rows; only files of several snapshots are opened."""
        found: set[datetime] = set()
        several = []
        for action in self._actions(None, after) if self.exists else ():
            low, high = action.get(f"min.{SNAPSHOT}"), action.get(f"max.{SNAPSHOT}")
            if low is None or low != high:
                several.append(f"{self.uri}/{action['path']}")
            else:
                found.add(low.astimezone(UTC))
        for batch in self._batches(several, None, after, [SNAPSHOT]):
            moments = pc.unique(batch.column(SNAPSHOT)).to_pylist()
            found.update(moment.astimezone(UTC) for moment in moments if moment is not None)
        return found

    def _committed(self, asked: set[datetime]) -> set[datetime]:
        """Return which of the snapshots a commit of this table names; those from before a cleaned-up log count too."""
        if not asked or not self.exists:
            return set()
        named: set[datetime] = set()
        paths = self._commit_files()
        for path in paths:
            metadata = _metadata_of_commit(path.read_text(encoding="utf-8").splitlines())
            named.update(_snapshots_named(metadata))
            named.difference_update(_snapshots_named(metadata, _TAKEN_OUT))
        if paths and int(paths[0].stem) > 0 and named:
            return {moment for moment in asked if moment in named or moment < min(named)}
        return asked & named

    def _commit_files(self) -> list[Path]:
        """Return the commits of the log, oldest first."""
        return sorted(path for path in (Path(self.uri) / "_delta_log").glob("*.json") if path.stem.isdigit())

    def read(
        self,
        snapshots: Collection[datetime] | None = None,
        after: datetime | None = None,
        columns: list[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some snapshots (default: all) in batches; files without any of them are not opened.

        Raises:
            DamagedFileError: a data file of the table is missing or not Parquet.
        """
        wanted = None if snapshots is None else sorted(snapshots)
        paths = [f"{self.uri}/{action['path']}" for action in self._actions(wanted, after)]
        yield from self._batches(paths, wanted, after, columns)

    @staticmethod
    def _batches(
        paths: list[str], wanted: list[datetime] | None, after: datetime | None, columns: list[str] | None
    ) -> Iterator[pa.RecordBatch]:
        for path in paths:
            try:
                # Without this, pyarrow fetches the whole file before the first batch: memory would grow with the file.
                with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
                    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                        kept = _filtered(batch, wanted, after)
                        if kept.num_rows:
                            yield kept
            except (OSError, ValueError, pa.ArrowException) as exc:
                raise DamagedFileError(
                    f"Silver file {path} cannot be read: {exc}", hint="rebuild the table from Bronze", file=path
                ) from exc

    def _actions(self, wanted: list[datetime] | None, after: datetime | None) -> list[dict[str, Any]]:
        """Return the data files that may hold the wanted snapshots, by the statistics of the Delta log."""
        actions = pa.table(self._opened.get_add_actions(flatten=True)).to_pylist()
        actions.sort(key=lambda action: (action["modification_time"], action["path"]))
        return [action for action in actions if _may_hold(action, wanted, after)]


def _open(uri: str, version: int | None) -> DeltaTable | None:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        return DeltaTable(uri, version=version)
    except TableNotFoundError:
        return None
    except DeltaError as exc:
        raise StorageError(
            f"Silver table {uri} cannot be opened: {exc}", hint="check the version and the folder"
        ) from exc
    except OSError as exc:  # there, but not for this user
        reason = str(exc).splitlines()[0]
        raise StorageError(f"Silver table {uri} cannot be read: {reason}", hint="check the folder's owner") from exc


def _metadata_of_commit(lines: list[str]) -> dict[str, Any]:
    """Return the `userMetadata` of a commit of ours; {} where somebody else made it, or said nothing."""
    for line in lines:
        info = json.loads(line).get("commitInfo")
        if info is not None:
            try:
                metadata = json.loads(info.get("userMetadata") or "{}")
            except ValueError:  # the words of somebody who tended the table by hand
                return {}
            return metadata if isinstance(metadata, dict) else {}
    return {}


def _changes_data(lines: list[str], *kinds: str) -> bool:
    """Tell whether a commit adds or removes rows, or does one of the two."""
    actions = [
        action for line in lines for kind in kinds or ("add", "remove") if (action := json.loads(line).get(kind))
    ]
    return any(action.get("dataChange", True) for action in actions)


def _snapshots_named(metadata: dict[str, Any], name: str = "snapshots") -> tuple[datetime, ...]:
    return tuple(parse_iso(text) for text in metadata.get(name, []))


def _may_hold(action: dict[str, Any], wanted: list[datetime] | None, after: datetime | None) -> bool:
    low, high = action.get(f"min.{SNAPSHOT}"), action.get(f"max.{SNAPSHOT}")
    if low is None or high is None:
        return True
    # Delta cuts statistics to milliseconds; snapshots are whole seconds, so nothing is lost.
    if after is not None and high <= after:
        return False
    return wanted is None or any(low <= moment <= high for moment in wanted)


def _filtered(batch: pa.RecordBatch, wanted: list[datetime] | None, after: datetime | None) -> pa.RecordBatch:
    column = batch.column(SNAPSHOT)
    if wanted is not None:
        batch = batch.filter(pc.is_in(column, value_set=pa.array(wanted, column.type)))
        column = batch.column(SNAPSHOT)
    if after is not None:
        batch = batch.filter(pc.greater(column, pa.scalar(after, column.type)))
    return batch
