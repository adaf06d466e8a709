"""The journal of runs: `metadata/runs/YYYY-MM.jsonl`, one line a `run`, by the UTC month in which it began."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import StorageError
from cryptoelt.metadata.formats import FormatError, Record, name_once
from cryptoelt.metadata.jsonl import append_line, read_lines, read_newest_first

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

_MONTH = re.compile(r"\d{4}-\d{2}\.jsonl")


class RunJournal:
    """What became of every run, and of every window."""

    def __init__(self, metadata_dir: Path) -> None:
        self._folder = metadata_dir / "runs"

    def append(self, started: datetime, record: dict[str, Any]) -> None:
        """Append one line durably.

        Raises:
            StorageError: the journal cannot be written.
        """
        append_line(self._folder / f"{started:%Y-%m}.jsonl", record)

    def since(self, moment: datetime, now: datetime) -> Iterator[dict[str, Any]]:
        """Yield the lines of the months from that of `moment` to that of `now`, oldest first.

        Raises:
            StorageError: a line is not JSON.
        """
        month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        while month <= now:
            path = self._folder / f"{month:%Y-%m}.jsonl"
            yield from _understood(read_lines(path), path)
            month = (month + timedelta(days=32)).replace(day=1)

    def newest_first(self, frequency: str) -> Iterator[dict[str, Any]]:
        """Yield the lines of a frequency, newest first, and read no further back than they are asked for.

        Raises:
            StorageError: a line is not JSON.
        """
        for path in self._months():
            for line in _understood(read_newest_first(path), path):
                if line.get("frequency") == frequency:
                    yield line

    def _months(self) -> list[Path]:
        """Return the files, the newest first; a folder that may not be listed is not an empty one."""
        try:
            return sorted((path for path in self._folder.iterdir() if _MONTH.fullmatch(path.name)), reverse=True)
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise StorageError(f"cannot list {self._folder}: {exc.strerror}", hint="check its owner") from exc


def _understood(lines: Iterator[dict[str, Any]], path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines whose values are what readers take them for; of the others one is named."""
    for line in lines:
        try:
            _require_run(line)
        except FormatError as exc:
            name_once(path, f"{path}: a line is passed over: {exc}")
        else:
            yield line


def _require_run(line: dict[str, Any]) -> None:
    record = Record(line)
    for name in {"status", "started_at", "ended_at"} & line.keys():
        record.text(name)
    if line.get("is_due") or record.has("window_start"):
        record.moment("window_start")
    if not isinstance(line.get("postponed", {}), dict):
        raise FormatError("postponed is not an object")
