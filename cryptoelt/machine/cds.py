"""The class-data archive (AppCDS): classes as the JVM keeps them in memory, which halves a cold start.

An archive fits exactly one Java runtime and one class path; its name is a digest of both, so one that does not fit is
simply not found. It only ever makes a run faster: without it, or with a damaged one, the JVM reads the jars as usual.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptoelt.errors import ConfigurationError, StorageError
from cryptoelt.locks import file_lock
from cryptoelt.machine.jars import jar_paths
from cryptoelt.machine.java import find_java
from cryptoelt.machine.pyspark_place import pyspark_jars
from cryptoelt.metadata.jsonl import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SUFFIX = ".jsa"
#: A dump that failed half-way leaves some 25 MB; a whole one has more than 140 MB.
_SMALLEST = 100_000_000
#: Raised when the way the archive is trained or used changes, so that the old ones are made anew.
_EDITION = 1


def archive_path(cache_dir: Path) -> Path | None:
    """Return the archive that fits this Java and these jars, None where there is none; starts no process."""
    try:
        path = _named(cache_dir)
    except (ConfigurationError, OSError):
        return None  # whoever needs Java or the jars says what is missing
    return path if path.is_file() else None


def ensure_archive(
    cache_dir: Path, train: Callable[[list[str]], None], *, smallest: int = _SMALLEST
) -> tuple[Path, bool]:
    """Make the archive if there is none that fits; return its path and whether it was made now.

    Args:
        cache_dir: the machine's cache; the archive goes to its folder `cds`.
        train: runs the work whose classes are wanted in one JVM with these extra options; that JVM must end in order.
        smallest: an archive below this many bytes is that of a dump that failed.

    Raises:
        ConfigurationError: Java or a jar is missing.
        StorageError: the training left no whole archive, or the cache cannot be written.
    """
    path = _named(cache_dir)
    with file_lock(cache_dir / ".cds.lock"):
        if path.is_file():
            return path, False
        partial = path.with_name(f"{path.stem}.new")
        with _writing(path.parent):
            path.parent.mkdir(exist_ok=True)
            for left in path.parent.glob("*.new"):
                left.unlink()
        train([f"-XX:ArchiveClassesAtExit={partial}"])
        size = partial.stat().st_size if partial.is_file() else 0
        if size < smallest:
            partial.unlink(missing_ok=True)
            raise StorageError(
                f"Java left no whole class-data archive ({size} bytes)",
                hint="check free space in the cache; runs work without it, only more slowly",
            )
        with _writing(path.parent):
            _publish(partial, path)
    return path, True


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageError(
            f"cannot write {folder}: {exc.strerror}", hint="check free space and the folder's owner"
        ) from exc


def _publish(partial: Path, path: Path) -> None:
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.chmod(0o644)
    partial.rename(path)
    # Which environment it belongs to, so that a later one of the same environment can replace it.
    path.with_suffix(".json").write_text(json.dumps({"pyspark": str(pyspark_jars())}), encoding="utf-8")
    sync_folder(path.parent)
    _remove_outdated(path)


def _remove_outdated(path: Path) -> None:
    """Remove archives of environments that are gone, and former ones of this environment."""
    for note in path.parent.glob("*.json"):
        if note.stem == path.stem:
            continue
        try:
            jars = json.loads(note.read_text(encoding="utf-8"))["pyspark"]
        except (ValueError, KeyError):
            jars = ""
        if jars == str(pyspark_jars()) or not os.path.isdir(jars):  # noqa: PTH112 - "" is no folder, Path("") is
            note.with_suffix(_SUFFIX).unlink(missing_ok=True)
            note.unlink(missing_ok=True)


def _named(cache_dir: Path) -> Path:
    """Return the path of the archive that fits, whether it exists or not."""
    java = find_java(cache_dir)
    parts = [str(_EDITION), java.identity]
    with os.scandir(pyspark_jars()) as entries:
        parts += sorted(_fingerprint(entry.path, entry.stat()) for entry in entries)
    parts += [_fingerprint(str(path), path.stat()) for path in jar_paths(cache_dir)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return cache_dir / "cds" / f"spark-{digest}{_SUFFIX}"


def _fingerprint(path: str, found: os.stat_result) -> str:
    return f"{path} {found.st_size} {found.st_mtime_ns}"
