"""The journal of calls, `metadata/calls/YYYY-MM.jsonl`: one line for each try, whatever became of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.metadata.jsonl import append_line, read_newest_first, require_appendable

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

#: How the id of a call begins.
_TIME = re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})[0-9]{2}T[0-9]{6}Z-")


class CallJournal:
    """Appends the lines, into the file of the UTC month of the request."""

    def __init__(self, metadata_dir: Path) -> None:
        self._folder = metadata_dir / "calls"

    def require(self, requested_at: datetime) -> None:
        """Check that a call made now could be journalled: an answer that cannot be is paid for and lost.

        Raises:
            StorageError: the journal cannot be written.
        """
        require_appendable(self._file(requested_at))

    def append(self, requested_at: datetime, line: dict[str, Any]) -> None:
        """Append one line durably.

        Raises:
            StorageError: the journal cannot be written.
        """
        append_line(self._file(requested_at), {"requested_at": iso(requested_at), **line})

    def find(self, call_id: str) -> dict[str, Any] | None:
        """Return the line of a call, by its id, which begins with the time of its request; None where there is none.

        Raises:
            StorageError: the journal cannot be read.
        """
        match = _TIME.match(call_id)
        if match is None:
            return None
        lines = read_newest_first(self._folder / f"{match['year']}-{match['month']}.jsonl")
        return next((line for line in lines if line.get("call_id") == call_id), None)

    def _file(self, requested_at: datetime) -> Path:
        return self._folder / f"{requested_at:%Y-%m}.jsonl"
