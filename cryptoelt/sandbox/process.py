"""The sandbox as a process: it serves until a signal ends it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from cryptoelt.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.sandbox.server import SandboxServer

_ENDING = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


def serve_until_signalled(server: SandboxServer, announce: Callable[[str], None]) -> ExitCode:
    """Serve until SIGINT or SIGTERM; return the exit code of that signal.

    Args:
        server: not yet started.
        announce: is told, once it answers, its URL, and in a second line how to use it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)  # the threads of the server inherit this
    try:
        with server:
            announce(f"sandbox ready: {server.base_url}")
            announce("export " + " ".join(f"{name}={value}" for name, value in server.environment.items()))
            return _ENDING[signal.Signals(signal.sigwait(_ENDING))]
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
