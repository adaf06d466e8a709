"""`--help` of every command works, at once: nothing heavy is imported for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt import __version__
from cryptoelt.cli import run
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ["pyspark", "pandas", "pyarrow", "sqlalchemy", "deltalake", "alembic", "psycopg2"]
COMMANDS = {
    "setup", "extract", "transform", "load", "run", "budget", "db", "db init", "db upgrade", "db downgrade", "sandbox",
    "backfill", "quarantine", "quarantine list", "quarantine show", "quarantine replay", "demo", "doctor", "config",
    "config show", "quality", "quality run", "quality list", "plan", "trace", "db roles",
}  # fmt: skip

#: Walks the commands, asks each for its help in this one interpreter, and tells what came of it.
WALK = """
import contextlib, io, json, sys
from cryptoelt.cli import app, run
import typer
heavy = sys.argv[1].split(",")
def walk(command, path):
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, [*path, name])
found = {}
for path in walk(typer.main.get_command(app), []):
    for option in ("--help", "-h"):
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            code = run([*path, option])
        imported = [name for name in heavy if name in sys.modules]
        found[" ".join([*path, option])] = {"code": code, "shown": shown.getvalue(), "imported": imported}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def walked() -> dict[str, dict[str, Any]]:
    done = run_python(WALK, ",".join(HEAVY), env={**os.environ, "COLUMNS": "120"})
    assert done.returncode == 0, done.stderr
    result: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return result


def test_the_commands_of_the_contract_are_there(walked: dict[str, dict[str, Any]]) -> None:
    assert {name.removesuffix("--help").strip() for name in walked if name.endswith("--help")} >= COMMANDS


def test_every_command_explains_itself(walked: dict[str, dict[str, Any]]) -> None:
    assert {name for name, found in walked.items() if found["code"] != 0} == set()
    silent = []
    for name, found in walked.items():
        usage, _, explanation = found["shown"].partition("[OPTIONS]")
        assert "Usage: cryptoelt" in usage, name
        if len(explanation.split("Options")[0].split()) < 3:
            silent.append(name)
    assert silent == []


def test_no_help_imports_anything_heavy(walked: dict[str, dict[str, Any]]) -> None:
    assert {name: found["imported"] for name, found in walked.items() if found["imported"]} == {}


def test_the_program_tells_its_version(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cryptoelt", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"cryptoelt {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["db"], ["config"]])
def test_without_a_command_the_help_is_shown_and_the_code_is_that_of_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert "Usage: cryptoelt" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["extrac"], "No such command 'extrac'", "cryptoelt --help"),
        (["run"], "Missing option '--freq'", "cryptoelt run --help"),
        (["run", "--freq", "11x"], "unknown frequency '11x'", "10x"),
        (["load", "--version", "x"], "Invalid value for '--version'", "cryptoelt load --help"),
        (["extract", "--nope"], "No such option: --nope", "cryptoelt extract --help"),
        (["extract", "--endpoint", "fear-and-greed/lates"], "unknown endpoint", "fear-and-greed/latest"),
        (["db", "uprade"], "No such command 'uprade'", "cryptoelt db --help"),
        (["backfill", "--from", "monday"], "--from monday: not a date", "2026-11-23"),
        (["backfill", "--to", "2026-02-30"], "--to 2026-02-30: not a date", "2026-11-23"),
        (["backfill", "--from", "2026-11-24", "--to", "2026-11-23"], "--from 2026-11-24 is after", "exchange"),
        (["backfill", "--table", "fact_cripto_market"], "unknown table 'fact_cripto_market'", "fact_crypto_market"),
        (["backfill", "--dry-run", "--table", "nope"], "unknown table 'nope'", "dim_exchange_id"),
        (["backfill", "--wait", "soon"], "--wait soon: not a time", "10m"),
        (["extract", "--wait", "10"], "--wait 10: not a time", "10m"),
        (["--set", "api.nope=1", "budget"], "there is no such setting", "config show"),
        (["--set", "api.max_tires=1", "budget"], "there is no such setting", "did you mean api.max_tries?"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.usefixtures("bare_environment")
def test_wrong_usage_is_code_2_with_a_message_and_a_hint_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    hint: str,
    as_json: bool,
) -> None:
    monkeypatch.setenv("CRYPTOELT_HOME", str(tmp_path))

    assert run([*arguments, *(["--json"] if as_json else [])]) == 2

    done = capsys.readouterr()
    error, advice = done.err.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert advice.startswith("hint: ")
    assert hint in advice
    if as_json:
        shown = json.loads(done.out)
        assert (shown["exit_code"], shown["status"], shown["error"]["type"]) == (2, "refused", "UsageError")
        assert list(shown)[:5] == ["schema_version", "command", "status", "exit_code", "error"]
        assert set(shown["error"]) == {"type", "message", "hint", "exit_code", "context"}
        assert shown["command"] in {*arguments, ""}
    else:
        assert done.out == ""
    assert list(tmp_path.iterdir()) == []
