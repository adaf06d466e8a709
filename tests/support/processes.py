"""Small programs run by the interpreter of the tests; a test talks to them through their pipes, never by waiting."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def python(program: str, *arguments: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a program; whatever is left of it at the end of the block is killed."""
    command = [sys.executable, "-c", program, *(str(argument) for argument in arguments)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """Wait for the next line a program prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def tell(process: subprocess.Popen[str], line: str = "") -> None:
    """Send a line to a program that waits for one."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def run_python(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    command = [sys.executable, "-c", program, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)
