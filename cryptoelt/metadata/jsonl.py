"""Append-only JSON-lines files that survive a crash: whole lines, durable, a torn last line repaired."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import StorageError
from cryptoelt.locks import file_lock
from cryptoelt.metadata.formats import FORMAT, FormatError, Record, name_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The format of the lines that are written now.
LINE_FORMAT = 1
_BLOCK = 65536


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one record durably, with its format; a torn last line of a process that died is cut off first.

    Raises:
        StorageError: the file cannot be written.
    """
    _make_folder_of(path)
    with file_lock(path.with_name(f".{path.name}.lock")):
        append_line_unlocked(path, {FORMAT: LINE_FORMAT, **record})


def append_line_unlocked(path: Path, record: dict[str, Any]) -> None:
    """Append one record durably, for a caller that already holds a lock on the file.

    Raises:
        StorageError: the file cannot be written.
    """
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    line = text.encode(errors="backslashreplace") + b"\n"  # half a surrogate pair, as JSON spells it
    _make_folder_of(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            end = cut_torn_line(descriptor)
            _write_all(descriptor, line, end)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if end == 0:
            sync_folder(path.parent)
    except OSError as exc:
        raise _unwritable(path, exc) from exc


def require_appendable(path: Path) -> None:
    """Make the file where it is missing, so that a later append does not find that it may not.

    Raises:
        StorageError: the file cannot be written.
    """
    _make_folder_of(path)
    with file_lock(path.with_name(f".{path.name}.lock")):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
        except OSError as exc:
            raise _unwritable(path, exc) from exc


def _make_folder_of(path: Path) -> None:
    try:
        make_folder(path.parent)
    except OSError as exc:
        raise StorageError(f"cannot make {path.parent}: {exc.strerror}", hint="check the folder's owner") from exc


def _write_all(descriptor: int, line: bytes, end: int) -> None:
    try:
        written = os.pwrite(descriptor, line, end)
        while written < len(line):
            written += os.pwrite(descriptor, line[written:], end + written)
    except OSError:
        os.ftruncate(descriptor, end)  # a full disk must not leave half a line
        raise


def cut_torn_line(descriptor: int) -> int:
    """Cut off what follows the last line end; return the length of what remains, in bytes."""
    size = os.fstat(descriptor).st_size
    position = size
    while position > 0:
        start = max(0, position - _BLOCK)
        block = os.pread(descriptor, position - start, start)
        newline = block.rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        position = start
    else:
        end = 0
    if end != size:
        os.ftruncate(descriptor, end)
    return end


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, and make their names durable."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    sync_path(folder)


def sync_path(path: Path) -> None:
    """Make durable what stands in a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_there(path: Path) -> bool:
    """Tell whether there is a file or folder; one that cannot be looked at is never taken for none.

    Raises:
        StorageError: a folder on the way cannot be entered.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return True


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every whole record, oldest first; a torn last line, and those of a newer format, are passed over.

    Raises:
        StorageError: the file cannot be read, or a whole line is not JSON.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        if (record := _parsed(line, path, f"line {number}")) is not None:
            yield record


def read_last(path: Path) -> dict[str, Any] | None:
    """Return the last whole record without reading the file from its start; None where there is none.

    Raises:
        StorageError: the file cannot be read, or the last whole line is not JSON.
    """
    return next(read_newest_first(path), None)


def read_newest_first(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every whole record, newest first, and read the file no further back than records are asked for.

    Lines of a newer format are passed over.

    Raises:
        StorageError: the file cannot be read, or a whole line is not JSON.
    """
    try:
        for number, line in enumerate(_lines_from_the_end(path), start=1):
            place = "the last line" if number == 1 else f"line {number} from the end"
            if (record := _parsed(line, path, place)) is not None:
                yield record
    except FileNotFoundError:
        return
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _lines_from_the_end(path: Path) -> Iterator[bytes]:
    """Yield the whole lines of a file without their ends, the last one first."""
    with path.open("rb") as stream:
        position, later = stream.seek(0, os.SEEK_END), b""
        is_torn = True  # what follows the last line end is no line
        while position > 0:
            start = max(0, position - _BLOCK)
            stream.seek(start)
            first, *lines = (stream.read(position - start) + later).split(b"\n")
            position, later = start, first
            if is_torn and lines:
                is_torn = False
                lines.pop()
            yield from reversed(lines)
        if not is_torn:
            yield later


def _unwritable(path: Path, exc: OSError) -> StorageError:
    return StorageError(f"cannot write {path}: {exc.strerror}", hint="check free space and the folder's owner")


def _unreadable(path: Path, exc: OSError) -> StorageError:
    return StorageError(f"cannot read {path}: {exc.strerror}", hint="check the file's owner")


def _parsed(line: bytes, path: Path, place: str) -> dict[str, Any] | None:
    """Return the record of a line; None where it is of a format that is not known here: a journal decides nothing."""
    try:
        record = json.loads(line)
    except ValueError as exc:
        raise StorageError(f"{path}: {place} is not JSON", hint="restore the file from a backup") from exc
    if not isinstance(record, dict):
        raise StorageError(f"{path}: {place} is not a JSON object", hint="restore the file from a backup")
    try:
        Record.of(record, LINE_FORMAT)
    except FormatError as exc:
        name_once(path, f"{path}: {place} is passed over: {exc}")
        return None
    record.pop(FORMAT, None)
    return record
