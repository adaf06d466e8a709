"""The one window of `run --freq init`: open until everything was asked and loaded once, in however many runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.api.state_file import read_json, replace_json
from cryptoelt.clock import FUTURE, iso
from cryptoelt.errors import StorageError
from cryptoelt.frequencies import INIT, Window

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


class InitWindow:
    """Remembers when an init began that is not finished yet, so that nothing it has asked is paid twice."""

    def __init__(self, metadata_dir: Path) -> None:
        self._path = metadata_dir / "init.json"

    def unfinished(self, now: datetime) -> Window | None:
        """Return the window of an init left unfinished; None where there is none.

        Raises:
            StorageError: the note of an init cannot be read.
        """
        started = self._unfinished(now)
        return None if started is None else Window(INIT, started)

    def begin(self, now: datetime) -> Window:
        """Return the window of an init left unfinished, else begin one; durable before the first call.

        Raises:
            StorageError: the note of an earlier one cannot be read, or this one's cannot be written.
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
        """Return when an unfinished init began; a note that cannot be read must not begin another, and pay it again.

        One that began in the future is none: no answer of today could ever be one of it.
        """
        try:
            note = read_json(self._path)
            if note is None:
                return None
            started = note.moment("started_at")
            finished = note.moment("finished_at") if note.has("finished_at") else None
        except ValueError as exc:
            raise StorageError(
                f"{self._path} does not say whether an init is under way: {exc}",
                hint="no call is made: put back a good copy, or remove it to ask and pay for everything once more",
                file=str(self._path),
            ) from exc
        return started if finished is None and started <= now + FUTURE else None
