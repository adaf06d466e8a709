"""`cryptoelt doctor` and `cryptoelt setup` as commands."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.locks import file_lock
from cryptoelt.settings import Settings
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from tests.support.cli import Cli
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

    from tests.support.cli import Finished


@pytest.fixture
def command(home: Path, tmp_path: Path) -> Iterator[Callable[..., Finished]]:
    """Run a command line on the home, with settings of the test's own alone."""
    keep = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "JAVA_HOME"}}
    own = {"CRYPTOELT_HOME": str(home), "CRYPTOELT_MACHINE__CACHE": str(Settings().cache_dir)}

    def run(*arguments: str, **environment: str) -> Finished:
        kind = Cli if "--as-cron" in arguments else InProcess  # the process becomes what cron would start
        return kind(tmp_path, keep | own | environment)(*arguments)

    yield run
    EmbeddedPostgres(home, Settings().cache_dir).remove()


def checks(done: Finished) -> dict[str, dict[str, Any]]:
    """Return the doctor's checks by name."""
    assert done.stdout, done.stderr
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_setup_makes_home_and_server_once_and_the_doctor_is_content(command: Callable[..., Any], home: Path) -> None:
    home.rmdir()  # setup makes it again
    first, second = (command("setup", "--skip-archive", "--json") for _ in range(2))
    assert [first.code, second.code] == [0, 0], first.stderr
    changed = [{step["name"]: step["changed"] for step in json.loads(run.stdout)["steps"]} for run in (first, second)]
    assert changed[0]["embedded PostgreSQL"]
    assert not any(changed[1].values())

    done = command("doctor", "--json", CRYPTOELT_API__KEY="canary")
    assert done.code == 0, done.stdout
    assert {check["verdict"] for check in checks(done).values()} <= {"ok", "warn"}
    assert "canary" not in done.stdout + done.stderr


def test_a_missing_key_is_a_configuration_error_and_hides_nothing_else(command: Callable[..., Any]) -> None:
    done = command("doctor", "--json")

    assert done.code == 7
    found = checks(done)
    assert found["API key"]["verdict"] == "fail"
    assert "CRYPTOELT_API__KEY" in found["API key"]["hint"]
    assert found["java"]["verdict"] == found["jars"]["verdict"] == "ok"


def test_settings_that_cannot_be_read_are_a_failed_check_beside_those_that_need_none(
    command: Callable[..., Any], home: Path
) -> None:
    (home / ".env").write_text("CRYPTOELT_API_KEY=canary\n", encoding="utf-8")
    (home / ".env").chmod(0o640)
    done = command("doctor", "--json")

    assert done.code == 7
    found = checks(done)
    assert found["settings"]["verdict"] == "fail"
    assert found["settings"]["hint"] == "did you mean CRYPTOELT_API__KEY?"
    assert json.loads(done.stdout)["error"]["message"] == f"settings: {found['settings']['detail']}"
    assert found["java"]["verdict"] == found["home"]["verdict"] == found["lock"]["verdict"] == "ok"
    assert found[".env"]["verdict"] == "warn"
    assert "chmod 600" in found[".env"]["hint"]
    assert "database" not in found
    assert "canary" not in done.stdout + done.stderr


def test_a_home_that_does_not_exist_is_a_failed_check_and_is_not_made(command: Callable[..., Any], home: Path) -> None:
    missing = home / "missing"
    done = command("doctor", "--json", CRYPTOELT_HOME=str(missing), CRYPTOELT_API__KEY="k")

    assert done.code == 7
    assert checks(done)["home"]["hint"].endswith(f"`mkdir -p {missing}`")
    assert checks(done)["settings"]["verdict"] == checks(done)["disk"]["verdict"] == "ok"
    assert not missing.exists()


def test_a_database_that_does_not_answer_ends_in_8(command: Callable[..., Any]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        url = f"postgresql://u:canary@127.0.0.1:{unused.getsockname()[1]}/d"
        done = command("doctor", "--json", CRYPTOELT_API__KEY="k", CRYPTOELT_WAREHOUSE__URL=url)

    assert done.code == 8
    assert checks(done)["database"]["verdict"] == "fail"
    assert "canary" not in done.stdout + done.stderr


def test_a_schema_that_is_not_at_head_ends_in_9(command: Callable[..., Any], postgres_url: SecretStr) -> None:
    url = postgres_url.get_secret_value()
    done = command("doctor", "--json", CRYPTOELT_API__KEY="k", CRYPTOELT_WAREHOUSE__URL=url)

    assert done.code == 9
    assert "db init" in checks(done)["database"]["hint"]


def test_jars_that_are_missing_are_told_with_the_remedy(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("doctor", "--json", CRYPTOELT_API__KEY="k", CRYPTOELT_MACHINE__CACHE=str(tmp_path / "none"))

    assert done.code == 7
    assert checks(done)["jars"]["hint"] == "run `cryptoelt setup`"


def test_cron_sees_neither_the_shell_s_java_nor_its_key(command: Callable[..., Any], home: Path) -> None:
    done = command("doctor", "--as-cron", "--json", CRYPTOELT_API__KEY="canary", JAVA_HOME="/nowhere")
    found = checks(done)
    assert found["API key"]["verdict"] == "fail"
    assert "/nowhere" not in found["java"]["detail"]

    (home / ".env").write_text("CRYPTOELT_API__KEY=canary\n", encoding="utf-8")
    found = checks(command("doctor", "--as-cron", "--json"))
    assert found["API key"]["verdict"] == "ok"
    assert str(home) == found["home"]["detail"]


def test_a_run_that_holds_the_home_is_shown_with_its_process(command: Callable[..., Any], home: Path) -> None:
    with file_lock(home / ".lock", owner={"pid": 4711}):
        done = command("doctor", "--json", CRYPTOELT_API__KEY="k")

    assert "4711" in checks(done)["lock"]["detail"]


def test_a_clock_that_fell_back_is_noticed(command: Callable[..., Any], home: Path) -> None:
    journal = home / "metadata" / "extract" / "global-metrics.jsonl"
    journal.parent.mkdir(parents=True)
    journal.touch()
    os.utime(journal, (4e9, 4e9))

    check = checks(command("doctor", "--json", CRYPTOELT_API__KEY="k"))["clock"]
    assert check["verdict"] == "warn"
    assert str(journal) in check["detail"]


@pytest.mark.parametrize("arguments", [["setup"], ["doctor"]])
def test_a_machine_without_java_is_told_how_to_get_it(command: Callable[..., Any], arguments: list[str]) -> None:
    done = command(*arguments, PATH="/nowhere")

    assert done.code == 7
    assert "Java 17 or newer is needed" in done.stdout + done.stderr


def test_make_says_in_one_line_that_java_is_missing_before_it_installs_anything(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {
        "PATH": "/usr/bin:/bin",
        "JAVA_HOME": "/nowhere",
        "VENV": str(tmp_path / "v"),
        "PYTHON": sys.executable,
    }
    done = subprocess.run(
        [root / "scripts" / "environment.sh", "run"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 7
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "JAVA_HOME is /nowhere" in done.stderr
    assert not (tmp_path / "v").exists()
