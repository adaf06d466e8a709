"""The JVM that Spark runs in: a process of ours, so that it can be given up while it starts, and is never left behind.

pyspark would start it too, but says which process it is only once it has answered.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cryptoelt.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

_STOP_SECONDS = 20
_LOOK = 0.02


class Jvm:
    """One JVM with the gateway through which pyspark speaks to it."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder
        _started.add(self)

    @classmethod
    def start(cls, properties: list[str], log_file: Path) -> Self:
        """Start the script that becomes the JVM; `SPARK_HOME` says whose.

        Args:
            properties: of its command line, each as name=value.
            log_file: where its output goes.
        """
        folder = Path(tempfile.mkdtemp())
        command = [str(Path(os.environ["SPARK_HOME"], "bin", "spark-submit"))]
        for given in properties:
            command += ["--conf", given]
        told = {"SPARK_CONNECT_MODE": "0", "_PYSPARK_DRIVER_CONN_INFO_PATH": str(folder / "address")}
        with log_file.open("ab") as stream:
            process = subprocess.Popen(  # noqa: S603 - our own program with our own settings
                [*command, "pyspark-shell"],
                stdin=subprocess.PIPE,  # it ends by itself when this is closed, should we be killed
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, **told},
                preexec_fn=_ignore_interrupts,
            )
        return cls(process, folder)

    def address(self, is_given_up: Callable[[], bool]) -> tuple[int, str]:
        """Wait until the gateway listens; return its port, and the secret that opens it.

        Raises:
            TransformError: the JVM ended by itself, or `is_given_up` says that nobody wants it any more.
        """
        told = self._folder / "address"
        try:
            while not told.exists():
                if is_given_up():
                    raise TransformError("the run ended before Spark had started")
                if self._process.poll() is not None:
                    raise TransformError(f"its JVM ended with code {self._process.returncode} while it started")
                time.sleep(_LOOK)
            content = told.read_bytes()  # an int32, and a text with its length before it
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)  # the secret is not left lying about
        port, length = struct.unpack_from(">ii", content)
        return port, content[8 : 8 + length].decode()

    def kill(self) -> None:
        """Kill the JVM, or the script that is about to become it with the program that composes its command line."""
        if self._process.poll() is None:
            below = _processes_below(self._process.pid)
            self._process.kill()
            for pid in below:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def end(self, patience: float) -> None:
        """Ask the JVM to end and give it so many seconds for it, then kill it; return when it is gone.

        Raises:
            TimeoutExpired: the kernel does not let go of it; it is killed once more when this process ends.
        """
        if self._process.stdin is not None:
            with suppress(OSError):  # it has ended by itself
                self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self.kill()
        self._process.wait(_STOP_SECONDS)
        _started.discard(self)


#: The JVMs of this process that are not known to have ended.
_started: set[Jvm] = set()


@atexit.register
def kill_started() -> None:
    """Kill every JVM that this process has started: for the ways out on which nobody waits for them."""
    for jvm in list(_started):
        jvm.kill()


def _processes_below(pid: int) -> list[int]:
    """Return the processes that a script has started, and those that they have; none where the kernel does not tell."""
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []
    return [below for child in children for below in (child, *_processes_below(child))]


def _ignore_interrupts() -> None:
    """Let Ctrl-C in a terminal, which reaches the whole group, be a matter of the run alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
