"""What was answered: a list for whoever checks, and a file that lets a restarted sandbox go on counting."""

from __future__ import annotations

import json
import os
import weakref
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_KEPT_BODIES = 5000
_LARGEST_IN_MEMORY = 2**16


@dataclass(frozen=True)
class Served:
    """One answer, as it was decided.

    Attributes:
        http_status: 0 means that the connection was reset instead.
        records: how many records a good answer held when it was put together; None for any other answer.
    """

    sequence: int
    at: str
    endpoint: str
    path: str
    account: str | None
    parameters: dict[str, str]
    http_status: int
    error_code: int
    credits: int
    records: int | None
    fault: str | None
    sha256: str


class ServedList:
    """Every answer since the start; the bodies of the last ones are kept, compressed: large ones in a file."""

    def __init__(self) -> None:
        self._served: list[Served] = []
        self._bodies: dict[int, bytes | range] = {}
        self._file: int | None = None

    def add(self, body: bytes, at: datetime, **fields: Any) -> Served:
        """Add an answer with its body as it is before compression."""
        entry = Served(len(self._served) + 1, iso(at), sha256=sha256(body).hexdigest(), **fields)
        self._served.append(entry)
        packed = zlib.compress(body, 1)
        self._bodies[entry.sequence] = packed if len(packed) <= _LARGEST_IN_MEMORY else self._put_aside(packed)
        self._bodies.pop(entry.sequence - _KEPT_BODIES, None)
        return entry

    def body(self, sequence: int) -> bytes | None:
        """Return the body of an answer, if it is still kept."""
        packed = self._bodies.get(sequence)
        if isinstance(packed, range) and self._file is not None:
            packed = os.pread(self._file, len(packed), packed.start)
        return zlib.decompress(packed) if isinstance(packed, bytes) else None

    def _put_aside(self, packed: bytes) -> range:
        """Append to a file that nobody else sees and that ends with this list; return where."""
        if self._file is None:
            self._file, path = mkstemp(prefix="cryptoelt-sandbox-")
            Path(path).unlink()
            weakref.finalize(self, os.close, self._file)
        first = os.fstat(self._file).st_size
        os.pwrite(self._file, packed, first)
        return range(first, first + len(packed))

    def as_json(self, *, bodies: bool = False) -> list[dict[str, Any]]:
        """Return all answers, with their bodies as text if asked."""
        return [self._entry(entry, body=bodies) for entry in self._served]

    def one_as_json(self, sequence: int) -> dict[str, Any] | None:
        """Return one answer with its body."""
        return self._entry(self._served[sequence - 1], body=True) if 0 < sequence <= len(self._served) else None

    def _entry(self, entry: Served, *, body: bool) -> dict[str, Any]:
        shown = {**vars(entry), "parameters": dict(entry.parameters)}  # what `asdict` does, ten times as fast
        if not body:
            return shown
        content = self.body(entry.sequence)
        return shown | {"body": None if content is None else content.decode("utf-8", "replace")}


class UsageFile:
    """Appends each charge, so that a sandbox started again with the same file goes on counting."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def charges(self) -> Iterator[tuple[datetime, str, str, int]]:
        """Yield time, account, endpoint and credits of every request recorded; a torn last line is left out."""
        if not self._path.exists():
            return
        text = self._path.read_text(encoding="utf-8")
        whole, _, torn = text.rpartition("\n")
        if torn:
            self._path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
        for line in whole.splitlines():
            entry = json.loads(line)
            yield parse_iso(entry["at"]), entry["account"], entry["endpoint"], entry["credits"]

    def append(self, at: datetime, account: str, endpoint: str, credits_charged: int) -> None:
        """Record one request."""
        entry = {"at": iso(at), "account": account, "endpoint": endpoint, "credits": credits_charged}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
