"""The journal of runs: `metadata/runs/YYYY-MM.jsonl`, one line a `run`, by the UTC month in which it began."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.metadata.jsonl import append_line, read_lines, read_newest_first

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


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
            yield from read_lines(self._folder / f"{month:%Y-%m}.jsonl")
            month = (month + timedelta(days=32)).replace(day=1)

    def newest_first(self, frequency: str) -> Iterator[dict[str, Any]]:
        """Yield the lines of a frequency, newest first, and read no further back than they are asked for.

        Raises:
            StorageError: a line is not JSON.
        """
        for path in sorted(self._folder.glob("????-??.jsonl"), reverse=True):
            for line in read_newest_first(path):
                if line.get("frequency") == frequency:
                    yield line
