"""Locks that the kernel frees when their holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptoelt.clock import Clock
from cryptoelt.errors import LockedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

_POLL_SECONDS = 0.05


@contextmanager
def file_lock(
    path: Path, *, wait: float | None = None, owner: dict[str, object] | None = None, clock: Clock | None = None
) -> Iterator[None]:
    """Hold an exclusive flock on `path` for the duration of the block.

    The descriptor is closed on exec, so a child process (the JVM) never keeps the lock alive.

    Args:
        path: the lock file; made when missing, never removed.
        wait: seconds to wait for the lock; None waits for ever.
        owner: what to write into the file for the message of a second process; never read as proof.
        clock: the run's clock, whose stop flag ends a wait of limited length.

    Raises:
        LockedError: another process held the lock for longer than `wait`.
        StorageError: the lock file cannot be made or locked.
        StoppedError: the run was asked to end while it waited.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise StorageError(
            f"cannot open the lock file {path}: {exc.strerror}", hint="check the folder's owner"
        ) from exc
    try:
        _acquire(descriptor, path, wait, clock or Clock())
        if owner is not None:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait: float | None, clock: Clock) -> None:
    if wait is None:
        _flock(descriptor, path, fcntl.LOCK_EX)
        return
    deadline = clock.monotonic() + wait
    while True:
        try:
            _flock(descriptor, path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if clock.monotonic() >= deadline:
                holder = _holder(descriptor)
                raise LockedError(
                    f"another run holds {path}: {_described(holder, clock.now())}",
                    hint="wait for it to end, or pass --wait 10m",
                    holder=holder,
                ) from exc
            clock.sleep(_POLL_SECONDS)
        else:
            return


def _holder(descriptor: int) -> dict[str, object]:
    """Return what the holder wrote into the file; nothing where it has not written yet, or something else."""
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _described(owner: dict[str, object], now: datetime) -> str:
    """Say who holds the lock; a moment of today by its time alone."""
    since = re.sub(r"\.\d+", "", str(owner.get("started_at", "")))
    written = {
        "pid {}": owner.get("pid"),
        "{}": owner.get("command"),
        "since {}": since.removeprefix(f"{now:%Y-%m-%d}T"),
        "on host {}": owner.get("host"),
    }
    return ", ".join(words.format(value) for words, value in written.items() if value) or "it has not said who it is"


def _flock(descriptor: int, path: Path, operation: int) -> None:
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        raise
    except OSError as exc:  # some network file systems have no locks
        raise StorageError(f"cannot lock {path}: {exc.strerror}", hint="keep the home on a local file system") from exc
