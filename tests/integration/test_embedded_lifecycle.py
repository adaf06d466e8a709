"""The embedded PostgreSQL as it is meant to be: started on demand, kept apart, ended."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg2
import pytest

from cryptoelt.settings import Settings
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from tests.support.embedded_home import dsn, kill, process_of, query, start, starter

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def cache() -> Path:
    """The machine's cache: the server's programs are copied only once."""
    return Settings().cache_dir


@pytest.fixture(scope="module", params=[0o755, 0o700], ids=["open home", "private home"])
def server(request: pytest.FixtureRequest, cache: Path) -> Iterator[EmbeddedPostgres]:
    """A server in a home that others may or may not enter (root's server is another user); tests share it."""
    with made_home(request.param) as home:
        server = EmbeddedPostgres(home, cache)
        yield server
        server.remove()


@pytest.fixture
def fresh(cache: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was never started."""
    with made_home(0o755) as home:
        server = EmbeddedPostgres(home, cache)
        yield server
        server.remove()


@contextmanager
def made_home(mode: int) -> Iterator[Path]:
    """Make a home outside of pytest's own folders, which nobody else may enter."""
    home = Path(tempfile.mkdtemp(prefix="cryptoelt-home-"))
    home.chmod(mode)
    yield home
    shutil.rmtree(home, ignore_errors=True)


def test_the_first_call_makes_and_starts_it_and_the_next_finds_the_same(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()
    first = process_of(server)
    query(url, "CREATE TABLE kept (n int)")
    query(url, "INSERT INTO kept VALUES (42)")

    assert server.ensure_running() == url
    assert process_of(server) == first
    assert query(url, "SELECT n FROM kept") == [(42,)]


def test_it_never_runs_as_root(server: EmbeddedPostgres) -> None:
    assert start(server).uids().effective == server.data.stat().st_uid
    assert server.data.stat().st_uid != 0
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_data_and_port_outlast_a_stop(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()
    query(url, "CREATE TABLE lasting AS SELECT 42 AS n")

    assert server.stop()
    assert not server.is_running()
    assert server.ensure_running() == url
    assert query(url, "SELECT n FROM lasting") == [(42,)]


def test_stopping_what_does_not_run_is_no_error(server: EmbeddedPostgres) -> None:
    start(server)
    assert server.stop()
    assert not server.stop()


def test_initialise_makes_it_once_and_starts_nothing(fresh: EmbeddedPostgres) -> None:
    assert not fresh.stop()
    assert fresh.initialise()
    assert not fresh.initialise()
    assert not fresh.is_running()


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres, password: str) -> None:
    url = dsn(server.ensure_running())
    user, _, rest = url.partition("@")
    other = f"{user.rpartition(':')[0]}:{password}@{rest}"

    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(other)


def test_it_listens_on_loopback_only_and_has_no_socket_file(server: EmbeddedPostgres) -> None:
    listening = [c for c in start(server).net_connections("all") if c.status == psutil.CONN_LISTEN]

    assert [c.laddr.ip for c in listening] == ["127.0.0.1"]
    assert query(server.ensure_running(), "SHOW unix_socket_directories") == [("",)]


def test_it_is_durable_and_sorts_the_same_everywhere(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()

    assert query(url, "SHOW fsync") == [("on",)]
    assert query(url, "SHOW timezone") == [("UTC",)]
    assert query(url, "SELECT array_agg(x ORDER BY x) FROM unnest(ARRAY['b', 'B', 'ä', 'a']) x") == [
        (["B", "a", "b", "ä"],)
    ]
    assert query(url, "SELECT lower('ÄΣ')") == [("äσ",)]


def test_it_outlives_the_process_group_that_started_it(server: EmbeddedPostgres, cache: Path) -> None:
    server.stop()
    run = starter(server.home, cache, then="signal.pause()")
    assert run.stdout is not None
    assert run.stdout.readline()

    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()

    assert server.is_running()


def test_it_inherits_neither_secrets_nor_open_files(server: EmbeddedPostgres, cache: Path, tmp_path: Path) -> None:
    server.stop()
    held = tmp_path / "held"
    before = f"os.set_inheritable(os.open({str(held)!r}, os.O_CREAT | os.O_RDWR), True)"
    run = starter(server.home, cache, before=before, CRYPTOELT_API__KEY="canary")
    run.communicate()
    processes = [process_of(server), *process_of(server).children(recursive=True)]

    assert not any("canary" in value for process in processes for value in process.environ().values())
    files = [link.readlink() for process in processes for link in Path(f"/proc/{process.pid}/fd").iterdir()]
    assert files
    assert held not in files
    assert not [path for path in files if path.name.endswith(".lock")]
    assert not any(server._password() in word for process in processes for word in process.cmdline())


def test_two_starts_at_once_end_with_one_server(fresh: EmbeddedPostgres, cache: Path) -> None:
    runs = [starter(fresh.home, cache) for _ in range(3)]
    said = [run.communicate() for run in runs]

    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    place = str(fresh.data.resolve())
    assert len([p for p in psutil.process_iter(["cmdline"]) if place in (p.info["cmdline"] or [])]) == 1


def test_a_port_taken_meanwhile_is_given_up_for_another(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()
    port = int(url.get_secret_value().rpartition("/")[0].rpartition(":")[2])
    server.stop()

    with socket.create_server(("127.0.0.1", port)):
        other = server.ensure_running()

    assert other != url
    assert query(other, "SELECT 1") == [(1,)]


def test_a_deleted_home_is_a_new_home(fresh: EmbeddedPostgres) -> None:
    query(fresh.ensure_running(), "CREATE TABLE former ()")
    process = process_of(fresh)
    shutil.rmtree(fresh.home)
    try:
        assert not fresh.is_running()
        assert not fresh.stop()

        fresh.home.mkdir()
        assert query(fresh.ensure_running(), "SELECT to_regclass('former')") == [(None,)]
    finally:
        kill(process)  # it would end by itself, but only within a minute
