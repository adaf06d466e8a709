"""The processes of the embedded PostgreSQL: which one is it, start it, end it."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoelt.errors import ConfigurationError, DatabaseUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.machine.server_place import ServerUser

#: The server gets nothing of our environment: it outlives the run, and the environment may hold the API key.
CLEAN_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_PID_FILE = "postmaster.pid"
_PORTS = range(20000, 32000)  # below the range from which systems take the ports of outgoing connections
_IMPOSSIBLE_PID = 2**31 - 2
_LOG_LIMIT = 10_000_000
_POLL = 0.02


@dataclass(frozen=True)
class Postmaster:
    """The server process of a data folder."""

    pid: int
    port: int


def postmaster(data: Path) -> Postmaster | None:
    """Return the living server process of a data folder, None where there is none; starts no process on Linux."""
    try:
        lines = (data / _PID_FILE).read_text(encoding="utf-8").splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (OSError, ValueError, IndexError):
        return None
    return Postmaster(pid, port) if _serves(pid, data) else None


def _serves(pid: int, data: Path) -> bool:
    """Tell whether `pid` is a PostgreSQL started for `data`; another program may have been given the number since."""
    words = _command_of(pid)
    return bool(words) and words[0].endswith("postgres") and str(data.resolve()) in words


def _command_of(pid: int) -> list[str]:
    if sys.platform.startswith("linux"):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as stream:  # noqa: PTH123 - not a file of the project
                return os.fsdecode(stream.read()).split("\0")
        except OSError:
            return []
    found = subprocess.run(  # noqa: S603 - fixed arguments
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    program, separator, rest = found.stdout.strip().partition(" -D ")
    return [program, rest.rpartition(" -c ")[0] or rest] if separator else []


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    while True:
        port = secrets.choice(_PORTS)
        if port_is_free(port):
            return port


def launch(binaries: Path, data: Path, log: Path, user: ServerUser, port: int) -> str:
    """Start the server in a session of its own; return what it logged if it ended again, else an empty text."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_name(f"{log.name}.1"))
    before = log.stat().st_size if log.exists() else 0
    place = ["-D", str(data.resolve()), "-l", str(log.resolve())]
    try:
        done = subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(binaries / "bin" / "pg_ctl"), "start", "-w", "-s", "-t", "60", *place, "-o", f"-c port={port}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=CLEAN_ENVIRONMENT,
            start_new_session=True,
            **user.run_as,
        )
    except PermissionError as exc:
        raise ConfigurationError(
            f"the embedded PostgreSQL cannot be run as another user (uid {user.uid}): {exc.strerror}",
            hint="run as an ordinary user, or set CRYPTOELT_WAREHOUSE__URL to a PostgreSQL of your own",
        ) from exc
    if done.returncode == 0 or postmaster(data) is not None:
        return ""
    return tail(log, before) or done.stderr


def tail(log: Path, start: int = 0) -> str:
    """Return what the server logged from the byte `start` on, at most the last 4,000 bytes."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(start, stream.seek(0, os.SEEK_END) - 4000))
            return stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def release_stale_pid(data: Path) -> None:
    """Let a server start although the pid file of a dead one names a process that lives.

    PostgreSQL takes any living process of its user for its former self. The file itself stays: it also names the shared
    memory by which a new server notices processes of the former one that still work on the data.
    """
    path = data / _PID_FILE
    if not path.exists() or postmaster(data) is not None:
        return
    first, separator, rest = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    if not first.strip().isdigit() or not separator:
        path.unlink()  # cut off by a power cut; it says nothing
    elif _lives(int(first)):
        path.write_text(f"{_IMPOSSIBLE_PID}\n{rest}", encoding="utf-8")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stop_postmaster(data: Path, patience: float) -> bool:
    """End the server of a data folder, rolling back what is open; return whether there was one.

    Raises:
        ConfigurationError: it belongs to another user.
        DatabaseUnavailableError: it lives on for longer than `patience` seconds.
    """
    running = postmaster(data)
    if running is None:
        return False
    try:
        os.kill(running.pid, signal.SIGINT)
    except ProcessLookupError:
        return True
    except PermissionError as exc:
        raise ConfigurationError(
            f"the embedded PostgreSQL (process {running.pid}) belongs to another user", hint="stop it as that user"
        ) from exc
    deadline = time.monotonic() + patience
    while _serves(running.pid, data):
        if time.monotonic() > deadline:
            raise DatabaseUnavailableError(
                f"the embedded PostgreSQL (process {running.pid}) does not end", hint=f"see the log beside {data}"
            )
        time.sleep(_POLL)
    return True
