"""The embedded PostgreSQL after kills, power cuts, copies and upgrades."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from cryptoelt.errors import ConfigurationError, DatabaseUnavailableError
from cryptoelt.machine.server_place import server_user
from cryptoelt.settings import Settings
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from tests.support.embedded_home import kill, process_of, query, start, starter

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was never started."""
    server = EmbeddedPostgres(tmp_path / "home", Settings().cache_dir)
    server.home.mkdir()
    yield server
    server.remove()


def test_a_killed_server_is_started_again_with_all_that_was_committed(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()
    query(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")

    kill(process_of(server))

    assert not server.is_running()
    assert query(server.ensure_running(), "SELECT count(*) FROM kept") == [(1000,)]


def test_processes_that_outlive_a_killed_server_are_waited_for(server: EmbeddedPostgres) -> None:
    url = server.ensure_running()
    former = process_of(server)
    children = former.children()
    worker = next(child for child in children if "checkpointer" in child.cmdline()[0])
    worker.suspend()  # it keeps the shared memory of the former server in use

    kill(former)
    run = starter(server.home, server.cache_dir)
    try:
        psutil.wait_procs([child for child in children if child != worker], timeout=30)
        log = server.data.parent / "server.log"
        while "still in use" not in log.read_text(encoding="utf-8") and run.poll() is None:
            os.sched_yield()
        assert run.poll() is None
    finally:
        worker.resume()
    run.communicate(timeout=60)

    assert run.returncode == 0
    assert server.ensure_running() == url


def test_a_stale_pid_that_now_belongs_to_another_program_does_not_matter(server: EmbeddedPostgres) -> None:
    start(server)
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").splitlines()
    kill(process_of(server))
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, **server_user(server.home).run_as) as bystander:
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:], ""]), encoding="utf-8")

        assert not server.is_running()
        assert not server.stop()
        assert query(server.ensure_running(), "SELECT 1") == [(1,)]
        assert bystander.poll() is None


def test_a_pid_file_cut_off_by_a_power_cut_does_not_matter(server: EmbeddedPostgres) -> None:
    kill(start(server))
    (server.data / "postmaster.pid").write_bytes(b"")

    assert query(server.ensure_running(), "SELECT 1") == [(1,)]


def test_a_data_folder_whose_making_was_killed_is_made_anew(server: EmbeddedPostgres) -> None:
    run = starter(server.home, server.cache_dir)
    folder = server.home / ".postgres"
    while not list(folder.glob("*/data/global")) and run.poll() is None:
        os.sched_yield()
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    left = list(folder.glob("*/data/global"))
    assert left
    assert not server.data.exists()

    assert query(server.ensure_running(), "SELECT 1") == [(1,)]
    assert not [path for path in left if path.exists()]


def test_data_of_another_major_version_are_refused_with_the_way_out(server: EmbeddedPostgres) -> None:
    server.initialise()
    (server.data / "PG_VERSION").write_text("17\n", encoding="ascii")

    with pytest.raises(ConfigurationError, match=r"PostgreSQL 17, the installed server is 18") as caught:
        server.ensure_running()
    assert f"mv {server.home}/.postgres {server.home}/.postgres-17" in caught.value.hint
    assert "backfill" in caught.value.hint


def test_a_folder_that_is_no_data_folder_is_left_alone(server: EmbeddedPostgres) -> None:
    server.initialise()
    (server.data / "PG_VERSION").unlink()

    with pytest.raises(ConfigurationError, match="not whole"):
        server.ensure_running()
    assert (server.data / "postgresql.conf").exists()


def test_a_server_that_does_not_start_says_why(server: EmbeddedPostgres) -> None:
    server.initialise()
    with (server.data / "postgresql.conf").open("a", encoding="utf-8") as stream:
        stream.write("no_such_setting = 1\n")

    with pytest.raises(DatabaseUnavailableError, match=r"does not start: .*postgresql\.conf") as caught:
        server.ensure_running()
    assert "server.log" in caught.value.hint


def test_a_server_of_other_data_on_its_port_is_not_taken_for_ours(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = server.ensure_running()
    copy = EmbeddedPostgres(tmp_path / "copy", server.cache_dir)
    copy.initialise()
    try:
        for name in ("postmaster.pid", "cryptoelt.port", "cryptoelt.password"):
            shutil.copy2(server.data / name, copy.data / name)
        assert not copy.is_running()
        assert not copy.stop()
        assert server.ensure_running() == url
    finally:
        copy.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server lives outside of the home")
def test_a_copied_home_does_not_share_the_warehouse_unnoticed(server: EmbeddedPostgres, tmp_path: Path) -> None:
    server.initialise()
    copied = tmp_path / "copied"
    shutil.copytree(server.home, copied, symlinks=True)

    with pytest.raises(ConfigurationError, match=f"warehouse of another home, {server.home}"):
        EmbeddedPostgres(copied, server.cache_dir).ensure_running()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server lives outside of the home")
def test_a_moved_home_keeps_its_warehouse(server: EmbeddedPostgres, tmp_path: Path) -> None:
    query(server.ensure_running(), "CREATE TABLE kept ()")
    server.stop()
    server.home.rename(tmp_path / "moved")
    moved = EmbeddedPostgres(tmp_path / "moved", server.cache_dir)
    try:
        assert query(moved.ensure_running(), "SELECT to_regclass('kept') IS NOT NULL") == [(True,)]
    finally:
        moved.remove()


_ON_A_FULL_DISK = """
import subprocess, sys
from pathlib import Path
from cryptoelt.errors import StorageError
from cryptoelt.warehouse.embedded import EmbeddedPostgres
home = Path(sys.argv[1])
home.chmod(0o755)
server = EmbeddedPostgres(home, Path(sys.argv[2]))
try:
    server.ensure_running()
except StorageError as exc:
    print(exc.message, "|", exc.hint)
subprocess.run(["mount", "-o", "remount,size=300m", str(home)], check=True)
server.ensure_running()
print("started after there was room:", server.stop())
"""


def test_a_full_disk_is_named_and_the_next_start_succeeds() -> None:
    with tempfile.TemporaryDirectory(prefix="cryptoelt-home-") as home:
        Path(home).chmod(0o755)
        # A small disk in a mount namespace of its own, so that it goes with the process whatever happens.
        mount = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=12m none "$0" && exec "$@"', home]
        if os.geteuid() != 0 or subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this user or machine cannot mount a small disk")
        command = [*mount, sys.executable, "-c", _ON_A_FULL_DISK, home, str(Settings().cache_dir)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    full, started = done.stdout.splitlines() or ["", done.stderr]
    assert "No space left on device" in full
    assert "free some space" in full
    assert started == "started after there was room: True"
