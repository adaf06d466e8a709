"""The minute limit: no more than so many requests in any 60 seconds, by all processes of a home together.

A window that slides satisfies the provider's clock minutes wherever those begin.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from cryptoelt.api.state_file import STATE_FORMAT, replace_json
from cryptoelt.errors import StorageError
from cryptoelt.locks import file_lock
from cryptoelt.metadata.formats import FormatError, Record
from cryptoelt.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.clock import Clock

log = logging.getLogger("cryptoelt.api")

_REQUESTS = "requests"
_WINDOW = 60.0
_NOTICED = 3.0
_MARGIN = 0.01  # so that rounding of a wait never wakes us a moment too early


def waiting_for_next_minute(seconds: float, why: str) -> dict[str, str]:
    """Return what a log record needs so that a person is told of the wait; nothing for one that is hardly noticed."""
    return {"told": f"waiting {seconds:.0f} s for the next minute ({why})"} if seconds > _NOTICED else {}


def times_in(text: bytes) -> list[float]:
    """Return the times of requests that a file holds; before formats were numbered it was the bare list of them.

    Raises:
        ValueError: it is no such file, or of a newer format.
    """
    said = json.loads(text)
    times = said if isinstance(said, list) else Record.of(said, STATE_FORMAT).values.get(_REQUESTS)
    if not isinstance(times, list) or not all(type(at) in {int, float} for at in times):
        raise FormatError(f"{_REQUESTS} is not a list of times")
    return [float(at) for at in times]


class MinuteLimit:
    """Lets a request go when the last 60 seconds hold fewer than the limit."""

    def __init__(self, metadata_dir: Path, limit: int, clock: Clock) -> None:
        self.path = metadata_dir / "api" / "minute.json"
        self.limit = limit
        self._clock = clock

    def take(self) -> None:
        """Count one request, after waiting for room where there is none; the lock is not held while waiting.

        Raises:
            StorageError: the count cannot be read or written, so no request may be made.
            StoppedError: the run was asked to end while waiting.
        """
        while (wait := self._try_take()) > 0:
            told = waiting_for_next_minute(wait, f"{counted(self.limit, 'request')} a minute")
            log.info("minute.wait", extra={"fields": {"seconds": round(wait, 3), "limit": self.limit}, **told})
            self._clock.sleep(wait)

    def _try_take(self) -> float:
        with file_lock(self.path.with_name(".minute.lock")):
            now = self._clock.now().timestamp()
            known = self._read(now)
            # A time ahead of us was written before the clock stepped back: it counts as now, not as an hour's wait.
            recent = sorted(min(at, now) for at in known if at > now - _WINDOW)
            full = len(recent) >= self.limit
            if not full or recent != known:
                replace_json(self.path, {_REQUESTS: recent if full else [*recent, now]}, durable=False)
            return recent[-self.limit] + _WINDOW - now + _MARGIN if full else 0.0

    def _read(self, now: float) -> list[float]:
        """Return the times of past requests.

        A damaged file counts as a full minute that ended when it was last written: waiting once for a minute costs
        less than running into the provider's limit, which may also block the address.
        """
        try:
            text = self.path.read_bytes()
            written = self.path.stat().st_mtime
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise StorageError(f"cannot read {self.path}: {exc.strerror}", hint="check the file's owner") from exc
        try:
            return times_in(text)
        except ValueError:
            log.warning("minute.damaged", extra={"fields": {"path": str(self.path)}})
            return [min(written, now)] * self.limit
