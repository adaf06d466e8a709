"""The journals: `metadata/<phase>/<name>.jsonl`, one line a run of one extractor, transformer or loader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.metadata.jsonl import append_line, read_last

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.results import Phase


class Journal:
    """The journal of one endpoint or table in one phase."""

    def __init__(self, metadata_dir: Path, phase: Phase, name: str) -> None:
        self.path = metadata_dir / phase.value / f"{name.replace('/', '_')}.jsonl"

    def append(self, record: dict[str, Any]) -> None:
        """Append one line durably.

        Raises:
            StorageError: the journal cannot be written.
        """
        append_line(self.path, record)

    def last(self) -> dict[str, Any] | None:
        """Return the last line, or None when the journal is empty or was never written.

        Raises:
            StorageError: the last line is not JSON.
        """
        return read_last(self.path)
