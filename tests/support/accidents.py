"""Small disks, folders that cannot be written, and what every error must look like."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli import Cli, Finished


def initialised(cli: Cli, url: str) -> str:
    finished = cli("db", "init", WAREHOUSE__URL=url)
    assert finished.code == 0, finished.told
    return url


def assert_one_error(finished: Finished, *words: str) -> None:
    """One error in at most three lines: what happened, to what, and what to do."""
    lines = [line for line in finished.stderr.splitlines() if line]
    assert len(lines) <= 3, finished.told
    assert lines[0].startswith("error: ")
    assert [line for line in lines if line.startswith("hint: ") and line.removeprefix("hint: ")], finished.told
    assert_told(finished, *words)


def assert_told(finished: Finished, *words: str) -> None:
    assert "Traceback" not in finished.stdout + finished.stderr, finished.told
    for word in words:
        assert word in finished.stderr, finished.told


@contextmanager
def unwritable(folder: Path) -> Iterator[Path]:
    """Give a folder that this user cannot write; for root, who may write everywhere, a disk mounted read-only."""
    folder.mkdir()
    if os.geteuid() == 0:
        with mounted(folder, "ro"):
            yield folder
    else:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


@contextmanager
def disk_of(folder: Path, mebibytes: int) -> Iterator[Path]:
    """Give a small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk to fill up")
    folder.mkdir()
    with mounted(folder, f"size={mebibytes}m"):
        yield folder


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of a command grow beyond so many bytes, as a quota does; needs no rights and no disk of its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(disk: Path, *, leave: int) -> Path:
    """Fill a disk up to what is to be left, and return the file that does it."""
    ballast = disk / "ballast"
    free = os.statvfs(disk)
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, free.f_bavail * free.f_frsize - leave)
    return ballast
