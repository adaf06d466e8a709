"""The embedded PostgreSQL for an ordinary user; root tries it by becoming one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cryptoelt.machine.server_place import ServerUser, installed_binaries
from cryptoelt.warehouse.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOBODY = 65534
#: Everything is imported before the change of user: the interpreter itself may lie where only root can read.
_PRELUDE = """
import os, sys, secrets, shutil, subprocess, tempfile, hashlib, random, encodings.ascii, encodings.idna
from pathlib import Path
import psycopg2, psycopg2.extensions
from cryptoelt.errors import CryptoEltError
from cryptoelt.warehouse import embedded_data
from cryptoelt.warehouse.embedded import EmbeddedPostgres
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
server = EmbeddedPostgres(Path(sys.argv[1]), Path(sys.argv[1], "cache"))
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already"),
    pytest.mark.skipif(
        not ServerUser(_NOBODY, _NOBODY).can_enter(installed_binaries() / "bin"),
        reason="the virtual environment lies where only root can read",
    ),
]


def test_an_ordinary_user_runs_it_as_oneself_in_the_home() -> None:
    with owned_home() as home:
        said = as_nobody(
            home, "server.ensure_running(); print(server.stop(), bool(server.ensure_running()), server.stop())"
        )
        data = Path(home, ".postgres", "data")

        assert said == "True True True\n"
        assert not data.parent.is_symlink()
        assert data.stat().st_uid == _NOBODY
        assert not Path(home, "cache").exists()


def test_root_in_the_home_of_another_user_leaves_that_user_able_to_go_on() -> None:
    with owned_home() as home:
        server = EmbeddedPostgres(Path(home), Path(home, "cache"))
        server.ensure_running()
        try:
            said = as_nobody(
                home, "print(server.is_running(), server.stop(), bool(server.ensure_running()), server.stop())"
            )
        finally:
            server.stop()
        assert said == "True True True True\n"


def test_a_home_that_cannot_be_written_is_named() -> None:
    with owned_home() as home:
        os.chown(home, 0, 0)
        Path(home).chmod(0o755)
        said = as_nobody(
            home, "try: server.ensure_running()\nexcept CryptoEltError as exc: print(exc.message, exc.hint)"
        )

    assert f"{home}/.postgres.lock: Permission denied" in said
    assert "owner" in said


@contextmanager
def owned_home() -> Iterator[str]:
    """Make a home of the ordinary user."""
    with tempfile.TemporaryDirectory(prefix="cryptoelt-home-") as home:
        os.chown(home, _NOBODY, _NOBODY)
        yield home


def as_nobody(home: str, code: str) -> str:
    """Run code on the server of `home` in a process that has given up being root; return what it prints."""
    command = [sys.executable, "-c", _PRELUDE + code, home]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_programs_that_only_root_can_reach_are_copied_to_the_cache(tmp_path: Path) -> None:
    """Root's own virtual environment, set up with a umask that lets nobody else in."""
    package = installed_binaries().parent
    site = tmp_path / "site"  # below pytest's folder, which is root's alone
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, site / folder.name, symlinks=True)
    code = (
        "import os, sys; from pathlib import Path; os.umask(0o077);"
        "from cryptoelt.warehouse.embedded import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[1]), Path(sys.argv[1], 'cache'));"
        "server.ensure_running(); print(server.programs); print(server.stop())"
    )
    with owned_home() as home:
        os.chown(home, 0, 0)
        Path(home).chmod(0o755)
        environment = {**os.environ, "PYTHONPATH": f"{site}:{os.environ.get('PYTHONPATH', '')}"}
        command = [sys.executable, "-c", code, home]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    programs, stopped = done.stdout.splitlines() or [done.stderr, ""]
    assert programs.startswith(f"{home}/cache/postgresql-18-")
    assert stopped == "True"
