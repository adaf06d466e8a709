"""The journal of rebuilds: `metadata/backfill.jsonl`, a line when one begins, goes on after a kill, or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.metadata.jsonl import append_line, read_newest_first

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_BEGUN, _ENDED = "begun", "ended"


class RebuildJournal:
    """Which runs are one rebuild: a run goes on with what an earlier one of the same order left unfinished."""

    def __init__(self, metadata_dir: Path) -> None:
        self._path = metadata_dir / "backfill.jsonl"

    def begin(self, order: dict[str, Any], run_id: str, now: datetime) -> list[str]:
        """Record that a run begins a rebuild or goes on with it; return the earlier runs of it, oldest first.

        Args:
            order: what the rebuild was asked for, and all else that must be the same for going on with it.
            run_id: the run.
            now: the moment.

        Raises:
            StorageError: the journal cannot be read or written.
        """
        earlier = self._unfinished(order)
        append_line(self._path, {"event": _BEGUN, "run_id": run_id, "order": order, "at": iso(now)})
        return earlier

    def end(self, order: dict[str, Any], run_id: str, now: datetime) -> None:
        """Record that a rebuild is complete; the next one of the same order begins anew.

        Raises:
            StorageError: the journal cannot be written.
        """
        append_line(self._path, {"event": _ENDED, "run_id": run_id, "order": order, "at": iso(now)})

    def _unfinished(self, order: dict[str, Any]) -> list[str]:
        runs: list[str] = []
        for line in read_newest_first(self._path):
            if line.get("order") != order:
                continue
            if line.get("event") == _ENDED:
                break
            if isinstance(run_id := line.get("run_id"), str):  # a line that somebody mended costs a second look
                runs.append(run_id)
        return runs[::-1]
