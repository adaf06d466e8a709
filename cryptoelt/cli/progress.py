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


class _Running:
    """The units at work as one line; written anew each time the line is drawn, since steps pass meanwhile."""

    def __init__(self, units: list[Unit]) -> None:
        self._units = units

    def __rich__(self) -> str:
        return ", ".join(map(_described, list(self._units))) or "at work"


def _described(unit: Unit) -> str:
    done = "" if unit.steps is None else f" {unit.steps[0]:,} of {unit.steps[1]:,}"
    return f"{unit.phase.value} {unit.name}{done}"


class _Display:
    def __init__(self) -> None:
        from rich.console import Console

        self._running: list[Unit] = []
        self._status = Console(stderr=True).status(_Running(self._running))
        self._timer = threading.Timer(_AFTER_SECONDS, self._status.start)
        self._timer.daemon = True
        self._timer.start()

    def begun(self, unit: Unit) -> None:
        self._running.append(unit)

    def ended(self, unit: Unit) -> None:
        if unit in self._running:
            self._running.remove(unit)

    def close(self) -> None:
        self._timer.cancel()
        self._status.stop()
