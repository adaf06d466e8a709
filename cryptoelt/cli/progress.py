"""Shows on a terminal which units are at work; nothing off it, nothing for work that is over in two seconds."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptoelt.pipeline.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.results import Unit

_AFTER_SECONDS = 2.0


@contextmanager
def progress_display(*, wanted: bool) -> Iterator[Progress]:
    """Show the running units while the block runs, when stderr is a terminal and it is wanted."""
    if not wanted or not sys.stderr.isatty():
        yield Silent()
        return
    display = _Display()
    try:
        yield display
    finally:
        display.close()


class _Display:
    def __init__(self) -> None:
        from rich.console import Console

        self._status = Console(stderr=True).status("starting")
        self._lock = threading.Lock()
        self._running: list[str] = []
        self._timer = threading.Timer(_AFTER_SECONDS, self._status.start)
        self._timer.daemon = True
        self._timer.start()

    def begun(self, unit: Unit) -> None:
        self._change(unit, begins=True)

    def ended(self, unit: Unit) -> None:
        self._change(unit, begins=False)

    def _change(self, unit: Unit, *, begins: bool) -> None:
        name = f"{unit.phase.value} {unit.name}"
        with self._lock:
            if begins:
                self._running.append(name)
            elif name in self._running:
                self._running.remove(name)
            self._status.update(", ".join(self._running) or "finishing")

    def close(self) -> None:
        self._timer.cancel()
        self._status.stop()
