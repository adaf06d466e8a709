"""How long a run waits for Spark after its window has closed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from cryptoelt.clock import StopFlag

log = logging.getLogger("cryptoelt.pipeline")

T = TypeVar("T")

#: Seconds after the window has closed in which the snapshot under way may still be built; more is no longer work.
_OVERTIME = 60.0
_LOOK = 1.0


def result_of(future: Future[T], stop: StopFlag, give_up: Callable[[], None]) -> T:
    """Wait for a result; where it still does not come long after the window has closed, call `give_up` once."""
    has_given_up = False
    while True:
        try:
            return future.result(_LOOK)
        except TimeoutError:
            if stop.overtime > _OVERTIME and not has_given_up:
                has_given_up = True
                log.warning("window.overtime", extra={"fields": {"seconds": round(stop.overtime)}})
                give_up()
