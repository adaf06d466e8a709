"""The journal of what was set aside: `metadata/set-aside.jsonl`, a line when it begins and one when it is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso, parse_iso
from cryptoelt.errors import StorageError
from cryptoelt.metadata.jsonl import append_line, read_last, read_newest_first

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

_BEGUN, _ENDED = "begun", "ended"


class AsideJournal:
    """Which snapshots were set aside, when, and whether Silver and the warehouse have followed."""

    def __init__(self, metadata_dir: Path) -> None:
        self._path = metadata_dir / "set-aside.jsonl"

    def begin(self, run_id: str, now: datetime, moved: Mapping[str, Sequence[datetime]]) -> None:
        """Record what is about to be moved out of Bronze, by endpoint.

        Raises:
            StorageError: the journal cannot be written.
        """
        snapshots = {endpoint: [iso(moment) for moment in moments] for endpoint, moments in moved.items()}
        self._append({"event": _BEGUN, "run_id": run_id, "at": iso(now), "snapshots": snapshots})

    def end(self, run_id: str, now: datetime) -> None:
        """Record that Silver and the warehouse hold nothing of it any more.

        Raises:
            StorageError: the journal cannot be written.
        """
        self._append({"event": _ENDED, "run_id": run_id, "at": iso(now)})

    def is_unfinished(self) -> bool:
        """Tell whether the last one was cut short.

        Raises:
            StorageError: the journal cannot be read.
        """
        last = read_last(self._path)
        return last is not None and last.get("event") == _BEGUN

    def unfinished(self) -> dict[str, set[datetime]]:
        """Return, by endpoint, what all of them were to move that began since one was last complete.

        Raises:
            StorageError: the journal cannot be read, or a line of it is none of ours.
        """
        found: dict[str, set[datetime]] = {}
        for line in read_newest_first(self._path):
            if line.get("event") != _BEGUN:
                break
            try:
                for endpoint, moments in line["snapshots"].items():
                    found.setdefault(endpoint, set()).update(map(parse_iso, moments))
            except (KeyError, AttributeError, TypeError, ValueError) as exc:
                raise StorageError(
                    f"{self._path}: the line of run {line.get('run_id')} does not say what was to be set aside",
                    hint="restore the file from a backup",
                ) from exc
        return found

    def _append(self, line: dict[str, Any]) -> None:
        append_line(self._path, line)
