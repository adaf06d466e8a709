"""SIGTERM and SIGINT: whatever the process is doing, it ends in order, with the code of the signal, and leaves no JVM.

A thread of its own takes the signals, by way of a pipe that the interpreter writes to at once. A handler would run only
when the main thread comes back to Python, which it may not for long, and could meet that thread inside a lock.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from functools import cache
from typing import TYPE_CHECKING

from cryptoelt.errors import ExitCode
from cryptoelt.jvm import kill_started

if TYPE_CHECKING:
    from cryptoelt.clock import StopFlag

log = logging.getLogger("cryptoelt")

_CODES = {signal.SIGTERM: ExitCode.TERMINATED, signal.SIGINT: ExitCode.INTERRUPTED}
#: Seconds in which a run that was asked twice to end may still do so by itself, and then in which it records itself.
_LAST_SECONDS = 3.0
_LAST_WORDS_SECONDS = 2.0


class _Watch:
    """Takes the signals of this process for one run after the other."""

    def __init__(self) -> None:
        self._stop: StopFlag | None = None
        self._reading, writing = socket.socketpair()
        writing.setblocking(False)  # noqa: FBT003 - socket takes it by position alone
        self._writing = writing
        threading.Thread(target=self._run, name="signals", daemon=True).start()

    def serve(self, stop: StopFlag) -> None:
        """Let the signals to come end the run of this flag."""
        self._stop = stop
        for number in _CODES:
            signal.signal(number, lambda *_: None)  # without a handler nothing would be written
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)

    def _run(self) -> None:
        while True:
            number = self._reading.recv(1)[0]
            if self._stop is not None and number in _CODES:
                self._take(self._stop, _CODES[signal.Signals(number)])

    def _take(self, stop: StopFlag, code: ExitCode) -> None:
        had_been_urgent = stop.is_urgent
        stop.set(code)
        if stop.is_urgent and not had_been_urgent:
            force = threading.Timer(_LAST_SECONDS, _end_by_force, [stop])
            force.daemon = True
            force.start()
            kill_started()  # who waits for Spark waits no longer
        log.warning("signal.taken", extra={"fields": {"exit_code": int(code), "at_once": stop.is_urgent}})


def _end_by_force(stop: StopFlag) -> None:
    """End the process, which is held up where no flag is looked at: by the database, or a disk."""
    kill_started()
    if stop.last_words is not None:
        words = threading.Thread(target=stop.last_words, name="last-words", daemon=True)
        words.start()
        words.join(_LAST_WORDS_SECONDS)
    os._exit(stop.exit_code)


@cache
def _watch() -> _Watch:
    return _Watch()


def end_on_signals(stop: StopFlag) -> None:
    """Let SIGTERM and SIGINT end the run of this flag: the first after what is under way, the second at once."""
    _watch().serve(stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
