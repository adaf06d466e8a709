"""The db commands as a user meets them: exit codes, and no password where others can read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from cryptoelt.clock import Clock
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.engine import Warehouse
from cryptoelt.warehouse.roles import ROLES
from tests.support.cli import Cli, home_env
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import Finished


@pytest.fixture
def url(postgres_url: SecretStr) -> str:
    """The URL of a database that does not exist yet."""
    return postgres_url.get_secret_value() + "_to_be_made"


def db(home: Path, url: str, *arguments: str) -> Finished:
    """Run a db command; a shell has its streams from the process, so it gets one of its own."""
    kind = Cli if "shell" in arguments else InProcess
    return kind(home, home_env(home, WAREHOUSE__URL=url))("db", *arguments)


def password(url: str) -> str:
    return Warehouse(SecretStr(url), Clock()).password.get_secret_value()


def test_init_makes_the_database_and_upgrades_and_may_be_repeated(home: Path, url: str) -> None:
    first = db(home, url, "init", "--json")
    assert (first.code, first.stderr) == (0, "")
    name = Warehouse(SecretStr(url), Clock()).name
    head = {"schema_version": 1, "command": "db init", "exit_code": 0, "error": None}
    made = {"warehouse": name, "revision": migrations.head(), "database_created": True}
    said = json.loads(first.stdout)
    assert [role["name"] for role in said.pop("roles")] == list(ROLES)
    assert said == head | made
    second = db(home, url, "init")
    assert second.code == 0
    assert second.stdout == f"warehouse {name} is at revision {migrations.head()}\n"


def test_upgrade_does_not_make_a_database_and_says_what_does(home: Path, url: str) -> None:
    refused = db(home, url, "upgrade")
    assert refused.code == 9
    assert "cryptoelt db init" in refused.stderr


def test_down_and_up(home: Path, url: str) -> None:
    db(home, url, "init")
    assert json.loads(db(home, url, "downgrade", "base", "--json").stdout)["revision"] == "base"
    assert json.loads(db(home, url, "upgrade", "--json").stdout)["revision"] == migrations.head()
    assert db(home, url, "upgrade", "no_such_revision").code == 2


def test_a_server_that_does_not_answer_is_code_8(home: Path, closed_port: int) -> None:
    for words in (["upgrade"], ["shell", "-c", "SELECT 1"]):
        down = db(home, f"postgresql://u:canary-secret@127.0.0.1:{closed_port}/x", *words)
        assert down.code == 8, down.stderr
        assert "cannot be reached" in down.stderr
        assert "canary-secret" not in down.stdout + down.stderr


def test_the_shell_ends_with_the_code_of_psql(home: Path, url: str) -> None:
    db(home, url, "init")
    assert db(home, url, "shell", "-c", "SELECT 1").code == 0
    assert db(home, url, "shell", "-v", "ON_ERROR_STOP=1", "-f", "/nowhere").code == 1


def test_a_wrong_password_is_code_7(home: Path, url: str) -> None:
    refused = db(home, url.replace(password(url), "canary-secret"), "init")
    assert refused.code == 7
    assert "canary-secret" not in refused.stdout + refused.stderr


def test_the_url_is_printed_without_the_password(home: Path, url: str) -> None:
    shown = db(home, url, "url")
    assert shown.code == 0
    assert password(url) not in shown.stdout + shown.stderr
    assert shown.stdout.strip() == url.replace(f":{password(url)}@", "@").replace("+psycopg2", "")
    assert db(home, url, "url", "--show-password").stdout.strip() == url.replace("+psycopg2", "")


def test_the_shell_works_and_its_command_line_has_no_password(home: Path, url: str) -> None:
    db(home, url, "init")
    counted = db(home, url, "shell", "-X", "-A", "-t", "-c", "SELECT count(*) FROM ops.load_batch")
    assert (counted.code, counted.stdout) == (0, "0\n")
    seen = db(home, url, "shell", "-X", "-c", r"\! tr '\0' ' ' </proc/$PPID/cmdline")
    assert "psql" in seen.stdout
    assert password(url) not in seen.stdout


@pytest.mark.parametrize("command", ["start", "stop"])
def test_starting_and_stopping_is_for_the_embedded_server(home: Path, url: str, command: str) -> None:
    refused = db(home, url, command)
    assert refused.code == 2
    assert "embedded" in refused.stderr
