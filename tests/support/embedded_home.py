"""Homes for the tests of the embedded PostgreSQL, and a look at its processes."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import psycopg2

from cryptoelt.warehouse.embedded_process import postmaster

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from cryptoelt.warehouse.embedded import EmbeddedPostgres


def start(server: EmbeddedPostgres) -> psutil.Process:
    """Start the server and return its process."""
    server.ensure_running()
    return process_of(server)


def process_of(server: EmbeddedPostgres) -> psutil.Process:
    """Return the process of a running server."""
    running = postmaster(server.data)
    assert running is not None
    return psutil.Process(running.pid)


def kill(process: psutil.Process) -> None:
    """End a process with SIGKILL and wait until it is gone."""
    process.kill()
    psutil.wait_procs([process], timeout=30)


def query(url: SecretStr, statement: str) -> list[tuple[object, ...]]:
    """Run one statement in a connection of its own."""
    with closing(psycopg2.connect(dsn(url))) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def dsn(url: SecretStr) -> str:
    """Return the URL as libpq reads it."""
    return url.get_secret_value().replace("postgresql+psycopg2", "postgresql")


def starter(home: Path, cache: Path, *, then: str = "", before: str = "", **environment: str) -> subprocess.Popen[str]:
    """Begin a process of its own group that starts the server of `home`, prints its port, and goes on with `then`."""
    code = f"""
import os, signal, sys
from pathlib import Path
from cryptoelt.errors import CryptoEltError
from cryptoelt.warehouse.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path({str(home)!r}), Path({str(cache)!r}))
{before}
print(server.ensure_running().get_secret_value().rpartition(':')[2], flush=True)
{then}
"""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )
