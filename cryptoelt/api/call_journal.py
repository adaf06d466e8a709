"""The journal of calls, `metadata/calls/YYYY-MM.jsonl`: one line for each try, whatever became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.metadata.jsonl import append_line, require_appendable

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


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

    def _file(self, requested_at: datetime) -> Path:
        return self._folder / f"{requested_at:%Y-%m}.jsonl"
