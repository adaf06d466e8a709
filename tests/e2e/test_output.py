"""What people and programs see: few plain lines off a terminal, one JSON object with --json, Rich on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import parse_iso
from cryptoelt.errors import ExitCode
from cryptoelt.sandbox.server import SandboxServer
from tests.support.cli import Cli, home_env
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import Finished

RUN = ("run", "--freq", "10x")
IDLE = [("transform",), ("load",), ("transform", "--freq", "10x", "--json"), ("load", "--freq", "10x", "--json")]
ENDPOINTS = ["cryptocurrency/categories", "global-metrics/quotes/latest", "fear-and-greed/latest"]
TABLES = ["dim_crypto_category", "fact_crypto_category", "fact_global_market", "fact_market_sentiment"]
ESCAPE = "\x1b"

NUMBER = (int, float)
TEXT_OR_NOTHING = (str, type(None))
RESULT = {
    "schema_version": int,
    "run_id": str,
    "command": str,
    "frequency": TEXT_OR_NOTHING,
    "window_start": TEXT_OR_NOTHING,
    "status": str,
    "exit_code": int,
    "started_at": str,
    "ended_at": str,
    "seconds": NUMBER,
    "credits": dict,
    "units": list,
}
UNIT = {
    "phase": str,
    "name": str,
    "status": str,
    "snapshots": list,
    "seconds": NUMBER,
    "rows_in": int,
    "rows_loaded": int,
    "rows_present": int,
    "rows_quarantined": int,
    "error": (dict, type(None)),
}
ERROR = {"type": str, "message": str, "hint": str, "exit_code": int}
BUDGET = {
    "schema_version": int,
    "month": str,
    "limit": int,
    "buffer": NUMBER,
    "spendable": int,
    "charged": int,
    "reserved": int,
    "remaining": int,
    "by_endpoint": dict,
}


@dataclass(frozen=True)
class Session:
    """Commands of one home, none of which has a terminal.

    Attributes:
        good_run: a run in which all went well.
        idle: commands with nothing to do, each with the seconds it took.
        java_starts: how often a JVM had been started before and after these.
        run_as_json: another run, with --json.
    """

    good_run: Finished
    idle: dict[tuple[str, ...], tuple[Finished, float]]
    java_starts: tuple[int, int]
    run_as_json: Finished
    budget: Finished


@pytest.fixture(scope="module")
def session(make_embedded_home: Callable[[str], Path]) -> Session:
    home = make_embedded_home("output")
    with SandboxServer(seed=7, world="small", refresh=1, minute_limit=100_000) as sandbox:
        cli = Cli(home, home_env(home, sandbox))
        good_run = cli(*RUN)
        before = java_starts(home)
        idle = {words: timed(cli, *words) for words in IDLE}
        after = java_starts(home)
        return Session(good_run, idle, (before, after), cli(*RUN, "--json"), cli("budget", "--json"))


def timed(cli: Cli, *words: str) -> tuple[Finished, float]:
    began = time.monotonic()
    finished = cli(*words)
    return finished, time.monotonic() - began


def java_starts(home: Path) -> int:
    """Return a number that grows with every JVM: what they have written into their log."""
    return (home / "logs" / "spark.log").stat().st_mtime_ns


def test_a_good_run_off_a_terminal_prints_at_most_three_plain_lines(session: Session) -> None:
    finished = session.good_run
    assert finished.code == 0, finished.told
    assert finished.stderr == ""
    assert 1 <= len(finished.stdout.splitlines()) <= 3
    assert ESCAPE not in finished.stdout
    assert finished.stdout.startswith("run 10x: done in ")


@pytest.mark.parametrize("words", IDLE, ids=" ".join)
def test_nothing_to_do_is_said_and_starts_no_jvm(
    session: Session, words: tuple[str, ...], record_property: Callable[[str, object], None]
) -> None:
    finished, seconds = session.idle[words]
    record_property("seconds", round(seconds, 2))
    print(f"{' '.join(words)} with nothing to do: {seconds:.2f} s")
    assert finished.code == 0, finished.told
    assert finished.stderr == ""
    if "--json" in words:
        assert finished.json()["status"] == "nothing"
        assert {unit["status"] for unit in finished.json()["units"]} == {"nothing"}
    else:
        assert len(finished.stdout.splitlines()) == 1
        assert "nothing to do" in finished.stdout
    before, after = session.java_starts
    assert before == after


def test_json_of_a_run_is_one_object_with_the_documented_keys(session: Session) -> None:
    finished = session.run_as_json
    assert finished.code == 0, finished.told
    assert finished.stderr == ""
    result = one_object(finished)
    assert_keys(result, RESULT)
    assert (result["schema_version"], result["command"], result["frequency"]) == (1, "run", "10x")
    assert (result["status"], result["exit_code"]) == ("done", 0)
    assert result["credits"] == {"planned": 4, "charged": 4}
    for unit in result["units"]:
        assert_keys(unit, UNIT)
        assert (unit["status"], unit["error"]) == ("done", None)
    assert_times(result)
    named = {phase: [unit["name"] for unit in result["units"] if unit["phase"] == phase] for phase in phases(result)}
    assert named == {"extract": ENDPOINTS, "transform": TABLES, "load": TABLES, "quality": [*TABLES, "load_batch"]}


@pytest.mark.parametrize("words", [words for words in IDLE if "--json" in words], ids=" ".join)
def test_json_of_an_idle_command_has_the_documented_keys(session: Session, words: tuple[str, ...]) -> None:
    result = one_object(session.idle[words][0])
    assert_keys(result, RESULT)
    assert result["credits"] == {"planned": 0, "charged": 0}
    assert [unit["name"] for unit in result["units"]] == TABLES
    assert_times(result)


def test_json_of_the_budget_has_the_documented_keys(session: Session) -> None:
    budget = one_object(session.budget)
    assert_keys(budget, BUDGET)
    assert budget["charged"] == sum(budget["by_endpoint"].values()) == 2 * 4
    assert set(budget["by_endpoint"]) == set(ENDPOINTS)
    assert budget["remaining"] == budget["spendable"] - budget["charged"]


def test_json_of_a_failure_has_the_documented_keys(in_process: InProcess, sandbox: SandboxServer) -> None:
    sandbox.add_fault("http_400", endpoint=ENDPOINTS[0])
    finished = in_process("extract", "--freq", "10x", "--json")
    assert finished.code == ExitCode.PARTIAL
    result = one_object(finished)
    assert_keys(result, RESULT)
    assert (result["status"], result["exit_code"]) == ("partial", ExitCode.PARTIAL)
    errors = [unit["error"] for unit in result["units"] if unit["error"] is not None]
    assert len(errors) == 1
    assert_keys(errors[0], ERROR)


@pytest.mark.parametrize(
    "words", [("extract",), ("run", "--freq", "10x"), ("run", "--freq", "11x"), ("load", "--tabel")]
)
def test_json_of_a_refusal_has_the_documented_keys(home: Path, words: tuple[str, ...]) -> None:
    finished = InProcess(home, home_env(home))(*words, "--json")
    assert finished.code in {ExitCode.CONFIGURATION, ExitCode.USAGE}
    result = one_object(finished)
    assert set(RESULT) <= set(result)
    assert (result["command"], result["exit_code"], result["units"]) == (words[0], finished.code, [])
    assert_keys(result["error"], ERROR)
    assert finished.stderr.startswith("error: ")


def test_on_a_terminal_a_table_and_the_work_under_way_are_shown(cli: Cli, sandbox: SandboxServer) -> None:
    sandbox.add_fault("slow", value="3", endpoint=ENDPOINTS[0], times=1)
    code, shown = in_terminal(cli, "extract")
    assert code == 0, shown
    assert ESCAPE in shown
    assert f"extract {ENDPOINTS[0]}" in shown  # the progress display, which waits two seconds
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    rows = [line for line in text.splitlines() if "│" in line]
    assert [endpoint for endpoint in ENDPOINTS if any(endpoint in row and "done" in row for row in rows)] == ENDPOINTS
    assert "extract: done in " in text


def test_on_a_terminal_errors_are_as_brief_as_off_it(cli: Cli, sandbox: SandboxServer) -> None:
    sandbox.add_fault("http_401_1001")
    code, shown = in_terminal(cli, "extract")
    assert code == ExitCode.CONFIGURATION
    assert "Traceback" not in shown
    assert shown.count("error: ") == 1
    assert shown.count("hint: ") == 1


def in_terminal(cli: Cli, *words: str) -> tuple[int, str]:
    """Run a command whose stdin, stdout and stderr are one terminal; return its code and all that was shown."""
    ours, its = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "cryptoelt", *words],
            cwd=cli.home,
            env={**cli.environment, "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "40"},
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
    finally:
        os.close(its)
    shown = b""
    with suppress(OSError):  # the kernel's way to say that nobody holds the other end any more
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    return process.wait(60), shown.decode()


def one_object(finished: Finished) -> dict[str, Any]:
    """Return stdout as the one JSON object it must be."""
    assert ESCAPE not in finished.stdout
    assert len(finished.stdout.splitlines()) == 1, finished.told
    parsed = json.loads(finished.stdout)
    assert isinstance(parsed, dict)
    return parsed


def assert_keys(found: dict[str, Any], documented: dict[str, Any]) -> None:
    assert set(documented) <= set(found)
    for name, kinds in documented.items():
        assert isinstance(found[name], kinds), (name, found[name])
        assert not isinstance(found[name], bool), name


def assert_times(result: dict[str, Any]) -> None:
    moments = [moment for unit in result["units"] for moment in unit["snapshots"]]
    for text in [result["started_at"], result["ended_at"], *moments]:
        assert text.endswith("Z")
        parse_iso(text)
    assert result["started_at"] <= result["ended_at"]


def phases(result: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(unit["phase"] for unit in result["units"]))
