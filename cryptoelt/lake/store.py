"""Where files of the lake are put, listed and opened; the one place that would change for an object store."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from cryptoelt.errors import ConfigurationError, StorageError
from cryptoelt.metadata.jsonl import make_folder, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_SPARE_BYTES = 16 * 2**20
#: Characters of a path that Spark would take for a pattern, or Delta for an escape.
_NOT_PLAIN = frozenset("%*?[]{}\\")


class Store(Protocol):
    """What the lake needs of a file system or an object store; paths are relative to its root, with slashes."""

    def put_if_absent(self, path: str, write: Callable[[BinaryIO], None]) -> None:
        """Create a file whole and durable, or not at all; raise StorageError where it exists or cannot be written."""

    def move_if_absent(self, path: str, target: str) -> None:
        """Give a file another place, durably; raise StorageError where one is there already or it cannot be moved."""

    def list(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; [] where there is none; raise StorageError where it is unreadable."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading."""

    def location(self, path: str) -> str:
        """Return the path or URI under which Spark finds a file."""

    def require_space(self, size: int, path: str = "") -> None:
        """Raise StorageError where a file of `size` bytes at `path` could not be written."""


class LocalStore:
    """A folder of the local file system."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_if_absent(self, path: str, write: Callable[[BinaryIO], None]) -> None:
        """Write beside, make durable, rename, make the name durable.

        The caller holds the run lock, so nobody creates the same name between the look and the rename.

        Raises:
            StorageError: the file exists already, or the disk is full or not writable.
        """
        target = self.root / path
        beside = target.with_name(f".{target.name}.tmp")
        try:
            make_folder(target.parent)
            if target.exists():
                raise StorageError(
                    f"{target} exists already; a file of the lake is never overwritten",
                    hint="run again; a new snapshot has a name of its own",
                )
            try:
                with beside.open("wb") as stream:
                    write(stream)
                    stream.flush()
                    os.fsync(stream.fileno())
                beside.rename(target)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            sync_folder(target.parent)
        except OSError as exc:
            raise StorageError(
                f"cannot write {target}: {exc.strerror or exc}", hint="check free space and the folder's owner"
            ) from exc

    def move_if_absent(self, path: str, target: str) -> None:
        """Rename a file, and make both names durable.

        The caller holds the run lock, so nobody creates the same name between the look and the rename.

        Raises:
            StorageError: a file of that name exists already, or it cannot be moved.
        """
        source, place = self.root / path, self.root / target
        try:
            make_folder(place.parent)
            if place.exists():
                raise StorageError(
                    f"{place} exists already; a file of the lake is never overwritten",
                    hint=f"look at both, and move one of them elsewhere: the other is {source}",
                )
            source.rename(place)
            sync_folder(place.parent)
            sync_folder(source.parent)
        except OSError as exc:
            raise StorageError(
                f"cannot move {source} to {place}: {exc.strerror or exc}", hint="check the owner of both folders"
            ) from exc

    def list(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; names of unfinished files are left out.

        Raises:
            StorageError: the folder is there but cannot be read.
        """
        try:
            return sorted(name for name in os.listdir(self.root / folder) if not name.startswith("."))  # noqa: PTH208
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise StorageError(f"cannot list {self.root / folder}: {exc.strerror}", hint="check its owner") from exc

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading."""
        return (self.root / path).open("rb")

    def location(self, path: str) -> str:
        """Return the absolute path of a file."""
        return str(self.root / path)

    def require_space(self, size: int, path: str = "") -> None:
        """Raise StorageError where a file at `path` could not be written, or would leave less than some space to spare.

        Raises:
            StorageError: too little room, or its folder cannot be made or written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.root).free
            folder = next(place for place in (self.root / path).parents if place.exists()) if path else self.root
        except OSError as exc:
            raise StorageError(f"cannot use {self.root}: {exc.strerror}", hint="check the folder's owner") from exc
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StorageError(
                f"{folder} is not writable", hint="check the folder's owner and the mount; no credit was spent"
            )
        if free < size + _SPARE_BYTES:
            raise StorageError(
                f"{free // 2**20} MiB are free at {self.root}, too few for an answer of {size // 2**20} MiB",
                hint="free some space; no credit was spent",
            )


def open_store(lake_root: str) -> Store:
    """Return the store at a lake root.

    Raises:
        ConfigurationError: the root is a URI of a kind that Bronze does not know yet, or not a plain path.
    """
    scheme, separator, _ = lake_root.partition("://")
    if separator and scheme != "file":
        raise ConfigurationError(
            f"lake.root: Bronze cannot be kept at {scheme}:// yet", hint="use a local or mounted folder"
        )
    root = Path(lake_root.removeprefix("file://")).absolute()
    odd = sorted(_NOT_PLAIN.intersection(str(root)))
    if odd:
        raise ConfigurationError(
            f"lake.root: {root} has {' '.join(odd)} in its path, which Spark would not read as it stands",
            hint="use a folder without it",
        )
    return LocalStore(root)
