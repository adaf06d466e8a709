"""The command line in the process of the tests: for what needs no process of its own, and would start hundreds."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptoelt import cli
from tests.support.cli import Cli, Finished

if TYPE_CHECKING:
    from collections.abc import Iterator


class InProcess(Cli):
    """Runs a command line as `Cli` does, with its home and its environment, but starts no process for it."""

    def __call__(self, *arguments: str, **settings: str) -> Finished:
        """Run a command to its end; `settings` are as for `home_env`."""
        out, err = io.StringIO(), io.StringIO()
        with (
            as_it_was(),
            _environment(self.environment_with(settings)),
            contextlib.chdir(self.home),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = cli.run(list(arguments))
        return Finished(code, out.getvalue(), err.getvalue())


@contextmanager
def as_it_was() -> Iterator[None]:
    """Leave the signals and logs of this process as they were before its commands."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    ours, root = logging.getLogger("cryptoelt"), logging.getLogger()
    level, propagate = ours.level, ours.propagate
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for log_handler in list(ours.handlers):
            root.removeHandler(log_handler)
            ours.removeHandler(log_handler)
            log_handler.close()
        ours.addHandler(logging.NullHandler())
        ours.setLevel(level)
        ours.propagate = propagate


@contextmanager
def _environment(environment: dict[str, str]) -> Iterator[None]:
    former = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)
