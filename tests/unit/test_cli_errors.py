"""The last net of the command line: what nobody foresaw ends in a code and a line, never in a traceback or a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-5f3d2c1b"

#: The command line with one command more, which ends as told.
PROGRAM = """
import sys
from typing import Annotated
import typer
from cryptoelt.cli import app, run
from cryptoelt.errors import BudgetError

@app.command()
def end(ctx: typer.Context, how: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> int:
    if how.startswith("logged"):
        ctx.obj.runtime("end")
    match how:
        case "code":
            return 4
        case "interrupt":
            raise KeyboardInterrupt
        case "abort":
            raise typer.Abort
        case "exit":
            raise typer.Exit(8)
        case "ours":
            raise BudgetError("no credits", hint="wait")
        case _:
            raise ValueError(f"the key {sys.argv[1]}")
sys.exit(run(sys.argv[2:]))
"""


def end(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CRYPTOELT_", "CMC_"))}
    return run_python(
        PROGRAM, CANARY, *arguments, env={**environment, "CRYPTOELT_HOME": str(home), "CRYPTOELT_API__KEY": CANARY}
    )


@pytest.mark.parametrize(
    ("how", "code", "shown"),
    [
        ("code", 4, ""),
        ("exit", 8, ""),
        ("interrupt", 130, ""),
        ("abort", 130, ""),
        ("ours", 5, "error: no credits\nhint: wait\n"),
    ],
)
def test_a_command_ends_in_its_own_code(tmp_path: Path, how: str, code: int, shown: str) -> None:
    done = end(tmp_path, "end", how)

    assert (done.returncode, done.stdout, done.stderr) == (code, "", shown)


def test_a_defect_is_named_by_its_place_without_its_words_or_a_traceback(tmp_path: Path) -> None:
    done = end(tmp_path, "end", "defect")

    assert done.returncode == 1
    assert done.stderr.startswith("error: internal error: ValueError at ")
    assert done.stderr.splitlines()[1:] == ["hint: please report it"]
    assert CANARY not in done.stderr


def test_the_traceback_of_a_defect_is_in_the_log_without_the_secret(tmp_path: Path) -> None:
    done = end(tmp_path, "end", "logged defect")

    assert done.returncode == 1
    assert "logs/" in done.stderr
    assert "Traceback" not in done.stderr
    (log,) = (tmp_path / "logs").iterdir()
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert CANARY not in log.read_text(encoding="utf-8") + done.stderr + done.stdout


def test_a_defect_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    done = end(tmp_path, "end", "defect", "--json")

    assert '"command": "end", "status": "failed", "exit_code": 1' in done.stdout
    assert CANARY not in done.stdout


@pytest.mark.usefixtures("bare_environment")
def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cryptoelt", "config", "show"],
            env={**os.environ, "CRYPTOELT_HOME": str(tmp_path)},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (1, "")
