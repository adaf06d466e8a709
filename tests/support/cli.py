"""What tests of whole processes share: the command line as a process of its own, and looks at what runs beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

import cryptoelt
from cryptoelt.settings import Settings
from cryptoelt.warehouse.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.sandbox.server import SandboxServer

_LONGEST_COMMAND = 240.0
_POLL = 0.02


@dataclass(frozen=True)
class Finished:
    """A command that has ended; a negative code is the signal that ended it."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, Any]:
        """Return what the command printed with --json."""
        result: dict[str, Any] = json.loads(self.stdout)
        return result

    @property
    def told(self) -> str:
        """All that it printed, for the message of a failed assertion."""
        return f"code {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def home_env(
    home: Path, sandbox: SandboxServer | None = None, *, key: str | None = None, **settings: str
) -> dict[str, str]:
    """Return the whole environment of a command: this home, this sandbox, and nothing that the tests were started with.

    Args:
        home: the home.
        sandbox: the API; None leaves URL and key out.
        key: the API key; "" for none. The default is one for a sandbox only: a key alone would ask the public API.
        settings: more settings by the end of their variable's name, e.g. `SPARK__MASTER="local[2]"`.
    """
    java = {"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}
    api = {} if sandbox is None else {"API__BASE_URL": sandbox.base_url, "API__REQUESTS_PER_MINUTE": "100000"}
    if key is None:
        key = "" if sandbox is None else "sandbox"
    if key:
        api["API__KEY"] = key
    own = {"HOME": str(home), "MACHINE__CACHE": str(Settings().cache_dir), **api}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(Path(cryptoelt.__file__).parent.parent),
        **java,
        **{f"CRYPTOELT_{name}": value for name, value in {**own, **settings}.items()},
    }


@dataclass
class Cli:
    """`python -m cryptoelt` in one home, or another module that is called like it."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    longest: float = _LONGEST_COMMAND
    module: str = "cryptoelt"

    def __call__(self, *arguments: str, **settings: str) -> Finished:
        """Run a command to its end; `settings` are as for `home_env`."""
        done = subprocess.run(
            [sys.executable, "-m", self.module, *arguments],
            cwd=self.home,
            env=self.environment_with(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.longest,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **settings: str) -> Running:
        """Start a command in a session of its own, as cron does."""
        process = subprocess.Popen(
            [sys.executable, "-m", self.module, *arguments],
            cwd=self.home,
            env=self.environment_with(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Running(process)

    def environment_with(self, settings: dict[str, str]) -> dict[str, str]:
        """Return the whole environment of a command with these settings."""
        return {**self.environment, **{f"CRYPTOELT_{name}": value for name, value in settings.items()}}


class Running:
    """A command under way; as a context, whatever is left of it is killed in the end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_group()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command's own process."""
        self.process.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """Send a signal to every process of its group, as a terminal or a supervisor does."""
        os.killpg(self.pid, number)

    def kill_group(self) -> Finished:
        """Kill every process of its group, and return when none of them lives."""
        if members(self.pid):
            os.killpg(self.pid, signal.SIGKILL)
        finished = self.end()
        wait_until(lambda: not members(self.pid), f"the processes of group {self.pid} to be gone")
        return finished

    def end(self, seconds: float = _LONGEST_COMMAND) -> Finished:
        """Wait for the command to end."""
        stdout, stderr = self.process.communicate(timeout=seconds)
        return Finished(self.process.returncode, stdout, stderr)

    def is_running(self) -> bool:
        """Tell whether the command is still under way."""
        return self.process.poll() is None

    def catches(self, number: signal.Signals) -> bool:
        """Tell whether the process has a handler of its own for a signal."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught, 16) >> (number - 1) & 1)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Look again and again until a condition holds.

    Raises:
        TimeoutError: it does not come about.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            msg = f"waited {seconds:.0f} s in vain for {what}"
            raise TimeoutError(msg)
        time.sleep(_POLL)


def members(group: int) -> list[int]:
    """Return the living processes of a process group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


#: What a launch of Spark is called, one after the other; between two of them no process of the name of java exists.
_LAUNCHED = ("spark-submit", "spark-class", "java")


def java_of(home: Path) -> list[int]:
    """Return the living java processes that were started for a home, and the scripts that are about to be one."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        is_java = any(Path(word).name in _LAUNCHED for word in words[:2])
        if is_java and any(str(home) in word for word in words):
            found.append(process.pid)
    return found


def events(home: Path, *names: str, pid: int | None = None) -> list[dict[str, Any]]:
    """Return the whole lines of the structured log, oldest first: of these events, of this process."""
    lines: list[dict[str, Any]] = []
    for path in sorted((home / "logs").glob("cryptoelt-*.jsonl")):
        whole = path.read_bytes().rpartition(b"\n")[0]
        lines += [json.loads(line) for line in whole.splitlines()]
    return [line for line in lines if (not names or line["event"] in names) and (pid is None or line["pid"] == pid)]


def embedded_postgres(home: Path) -> EmbeddedPostgres:
    """Return the handle of a home's embedded server."""
    return EmbeddedPostgres(home, Settings().cache_dir)
