"""Measures a command as a whole process: wall time, CPU of its whole tree, peak memory of Java and of Python."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SAMPLE_SECONDS = 0.05
#: Proportional memory is dear to read, so processes that are measured apart are looked at less often.
_APART_EVERY = 10
_PATIENCE = 60.0


@dataclass
class Peaks:
    """Peak memory in bytes, sampled every 50 ms.

    Attributes:
        java: resident memory of the JVM.
        python: resident memory of everything else in the tree.
        together: of both at one moment.
        apart: proportional memory of the processes measured apart.
    """

    java: int = 0
    python: int = 0
    together: int = 0
    apart: int = 0


@dataclass(frozen=True)
class Measured:
    """One run of a command.

    Attributes:
        began: the wall clock at its start, in seconds since 1970.
        seconds: wall time until the process had ended.
        cpu_seconds: user and system time of the whole tree.
        peaks: its peak memory.
        output: what it printed on stdout.
    """

    began: float
    seconds: float
    cpu_seconds: float
    peaks: Peaks
    output: str


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    apart: Callable[[], int | None] = lambda: None,
    cwd: str | None = None,
) -> Measured:
    """Run a command to its end and measure it.

    Args:
        command: the words of the command.
        environment: its whole environment.
        apart: returns the process whose tree is measured apart, the PostgreSQL server; None where there is none.
        cwd: its working directory.

    Raises:
        RuntimeError: it did not end in code 0.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began, start = time.time(), time.monotonic()
        process = subprocess.Popen(command, env=dict(environment), stdout=out, stderr=err, cwd=cwd)
        sampler = _Sampler(process.pid, apart)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        orphans = sampler.finish()
        out.seek(0)
        err.seek(0)
        output, errors = out.read().decode(), err.read().decode()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended in code {process.returncode}:\n{output}{errors}")
    # wait4 counts every child that the command itself waited for; a JVM that it left behind is counted by the sampler.
    cpu = usage.ru_utime + usage.ru_stime + orphans
    return Measured(began, seconds, cpu, sampler.peaks, output)


@dataclass
class _Sampler:
    """Watches a process tree from a thread of its own."""

    pid: int
    apart: Callable[[], int | None]
    peaks: Peaks = field(default_factory=Peaks)

    def start(self) -> None:
        self._over = threading.Event()
        self._known: dict[int, psutil.Process] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def finish(self) -> float:
        """Stop watching; wait for what the process left behind, and return the CPU seconds of that."""
        self._over.set()
        self._thread.join()
        left = {pid: process for pid, process in self._known.items() if pid != self.pid}
        used = dict.fromkeys(left, 0.0)
        deadline = time.monotonic() + _PATIENCE
        while left and time.monotonic() < deadline:
            for pid, process in list(left.items()):
                times = _cpu_times(process)
                if times is None:
                    del left[pid]
                else:
                    used[pid] = times
            time.sleep(_SAMPLE_SECONDS / 5)
        return sum(used.values())

    def _watch(self) -> None:
        count = 0
        while not self._over.wait(_SAMPLE_SECONDS):
            self._look()
            if count % _APART_EVERY == 0:
                self.peaks.apart = max(self.peaks.apart, proportional(self.apart()))
            count += 1

    def _look(self) -> None:
        java = python = 0
        programs: dict[int, str] = {}
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.pid)
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    programs[process.pid] = process.exe()
                    self._known[process.pid] = process
                    if programs[process.pid] == programs.get(process.ppid()):
                        continue  # a child that has not begun its own program yet shares its parent's memory
                    size = process.memory_info().rss
                    if programs[process.pid].endswith("/java"):
                        java += size
                    else:
                        python += size
        self.peaks.java = max(self.peaks.java, java)
        self.peaks.python = max(self.peaks.python, python)
        self.peaks.together = max(self.peaks.together, java + python)


def _cpu_times(process: psutil.Process) -> float | None:
    """Return the CPU seconds of a process, None once it has ended."""
    try:
        times = process.cpu_times()
        return None if process.status() == psutil.STATUS_ZOMBIE else times.user + times.system
    except psutil.NoSuchProcess:
        return None


def proportional(pid: int | None) -> int:
    """Return the memory of a process tree in which a page shared by n processes counts as one n-th in each."""
    if pid is None:
        return 0
    size = 0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                full = process.memory_full_info()
                size += getattr(full, "pss", full.rss)
    return size
