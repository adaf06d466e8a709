"""A call under way that can be left behind: nothing that the other side does, or does not, keeps a run from ending."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.clock import StopFlag

T = TypeVar("T")

#: Seconds that a run which is to end still waits for an answer that may be paid already.
_PATIENCE = 3.0
_LOOK = 0.1


class LeftBehindError(Exception):
    """The call was still under way when the run had to end. Never leaves the transport."""


def in_flight(call: Callable[[], T], stop: StopFlag) -> T:
    """Make a call in a thread of its own and return what it returns, or raise what it raises.

    A run that is to end waits a little for an answer that may be paid already; one that is to end at once does not.

    Raises:
        LeftBehindError: the run is to end; whatever the call still brings is lost.
    """
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            done.put((call(), None))
        except BaseException as exc:  # noqa: BLE001 - raised where it was waited for
            done.put((None, exc))

    # A daemon: the process does not wait for it in the end.
    threading.Thread(target=work, name="call", daemon=True).start()
    patience = _PATIENCE
    while True:
        try:
            value, raised = done.get(timeout=_LOOK)
        except queue.Empty:
            patience -= _LOOK if stop.is_set() else 0
            if stop.is_urgent or patience <= 0:
                raise LeftBehindError from None
            continue
        if raised is not None:
            raise raised
        return value  # type: ignore[return-value]
