"""The one window of `run --freq init`: open until everything was asked and loaded once, in however many runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptoelt.api.state_file import replace_json
from cryptoelt.clock import FUTURE, iso, parse_iso
from cryptoelt.frequencies import INIT, Window

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


class InitWindow:
    """Remembers when an init began that is not finished yet, so that nothing it has asked is paid twice."""

    def __init__(self, metadata_dir: Path) -> None:
        self._path = metadata_dir / "init.json"

    def unfinished(self, now: datetime) -> Window | None:
        """Return the window of an init left unfinished; None where there is none."""
        started = self._unfinished(now)
        return None if started is None else Window(INIT, started)

    def begin(self, now: datetime) -> Window:
        """Return the window of an init left unfinished, else begin one; durable before the first call.

        Raises:
            StorageError: it cannot be written.
        """
        started = self._unfinished(now)
        if started is None:
            started = now
            replace_json(self._path, {"started_at": iso(started), "finished_at": None}, durable=True)
        return Window(INIT, started)

    def finish(self, window: Window, now: datetime) -> None:
        """Remember that everything was asked and loaded.

        Raises:
            StorageError: it cannot be written.
        """
        replace_json(self._path, {"started_at": iso(window.start), "finished_at": iso(now)}, durable=True)

    def _unfinished(self, now: datetime) -> datetime | None:
        """Return when an unfinished init began; a file that cannot be read costs credits, not data.

        One that began in the future is none: no answer of today could ever be one of it.
        """
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
            started = parse_iso(said["started_at"]) if said["finished_at"] is None else None
            return started if started is None or started <= now + FUTURE else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
