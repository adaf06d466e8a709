"""What people and programs see: one JSON object, plain lines off a terminal, a table on it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cryptoelt.cli.render import show_error, show_json, show_result, show_table, summary
from cryptoelt.errors import ApiUnavailableError, BudgetError, CryptoEltError, DatabaseUnavailableError, ExitCode
from cryptoelt.results import Credits, Phase, Result, Status, Unit

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stdout that a person looks at."""

    def isatty(self) -> bool:
        return True


def done(phase: Phase, rows: int, quarantined: int = 0) -> Unit:
    return Unit(phase, f"{phase.value}-unit", Status.DONE, [NOW], 1.0, rows, rows - quarantined, 0, quarantined)


def failed(phase: Phase, name: str, error: CryptoEltError) -> Unit:
    unit = Unit(phase, name)
    unit.failed(error)
    return unit


def result(*units: Unit, notices: list[str] | None = None) -> Result:
    return Result("run-1", "run", "10x", NOW, NOW, 18.44, list(units), Credits(5, 5), None, notices or [])


GOOD = result(done(Phase.EXTRACT, 200), done(Phase.TRANSFORM, 200, 3), done(Phase.LOAD, 197))


def test_a_good_run_off_a_terminal_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(GOOD, as_json=False)

    shown = capsys.readouterr()
    assert shown.out == (
        "run 10x: done in 18.4 s, 5 credits; extract 1/1 with 200 rows, "
        "transform 1/1 with 197 rows (+3 quarantined), load 1/1 with 197 rows\n"
    )
    assert shown.err == ""


def test_what_was_postponed_is_told_in_one_line_and_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    units = [done(Phase.EXTRACT, 200), Unit(Phase.EXTRACT, "exchange/assets", postponed=26)]
    found = result(*units, Unit(Phase.EXTRACT, "exchange/map", postponed=1))

    show_result(found, as_json=False)

    assert capsys.readouterr().err == (
        "postponed, to keep credits for what cannot wait: exchange/assets 26, exchange/map 1\n"
    )
    assert [unit["postponed"] for unit in found.as_json()["units"]] == [0, 26, 1]


@pytest.mark.parametrize(("postponed", "said"), [(0, ""), (3, "run 10x: nothing to do, the window is done (18.4 s")])
def test_a_due_run_with_nothing_to_do_is_silent_off_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, postponed: int, said: str
) -> None:
    found = result(Unit(Phase.EXTRACT, "exchange/assets", postponed=postponed))
    found.is_due, found.reason = True, "the window is done"

    show_result(found, as_json=False)
    assert capsys.readouterr().out.startswith(said)

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    show_result(found, as_json=False)
    assert "nothing to do, the window is done" in terminal.getvalue()


def test_with_json_stdout_is_one_object_and_people_read_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    broken = result(done(Phase.EXTRACT, 1), failed(Phase.LOAD, "t", DatabaseUnavailableError("no answer", hint="wait")))
    broken.notices.append("price drift: x")
    show_result(broken, as_json=True)

    shown = capsys.readouterr()
    assert json.loads(shown.out) == json.loads(json.dumps(broken.as_json()))
    assert shown.out.count("\n") == 1
    assert shown.err == "price drift: x\nerror: load t: no answer\nhint: wait\n"


def test_nothing_to_do_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(result(Unit(Phase.LOAD, "t")), as_json=False)

    assert capsys.readouterr().out.startswith("run 10x: nothing to do, nothing new is waiting")


def test_every_failure_is_printed_once_with_all_it_hit(capsys: pytest.CaptureFixture[str]) -> None:
    error = ApiUnavailableError("timed out", hint="run again")
    show_result(
        result(
            done(Phase.EXTRACT, 1),
            failed(Phase.EXTRACT, "a", error),
            failed(Phase.EXTRACT, "b", error),
            failed(Phase.EXTRACT, "c", BudgetError("no credits", hint="wait for the reset")),
        ),
        as_json=False,
    )

    assert capsys.readouterr().err.splitlines() == [
        "error: extract of 2 of 4 endpoints (a, b): timed out",
        "hint: run again",
        "error: extract c: no credits",
        "hint: wait for the reset",
    ]


def test_an_error_of_all_units_of_a_phase_counts_them_and_the_same_advice_is_given_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    down = DatabaseUnavailableError("no answer", hint="wait")
    units = [failed(Phase.LOAD, name, down) for name in "abcd"]
    show_result(result(failed(Phase.TRANSFORM, "a", CryptoEltError("a: broken", hint="wait")), *units), as_json=True)

    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "error: transform a: broken",
        "hint: wait",
        "error: load of 4 tables: no answer",
    ]
    assert [unit["error"]["message"] for unit in json.loads(shown.out)["units"][1:]] == ["no answer"] * 4


def test_a_refused_run_counts_what_was_not_asked_any_more() -> None:
    rest = [Unit(Phase.EXTRACT, "b"), Unit(Phase.EXTRACT, "c"), Unit(Phase.LOAD, "t")]
    refused = result(failed(Phase.EXTRACT, "a", BudgetError("x")), *rest)
    refused.credits = Credits(5, 1)

    assert (
        summary(refused) == "run 10x: refused in 18.4 s, 1 credit of 5 planned; extract 0/3 with 0 rows, load nothing"
    )


def test_a_stopped_run_says_so_and_counts_what_was_not_asked_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    stopped = result(done(Phase.EXTRACT, 2), Unit(Phase.EXTRACT, "b"))
    stopped.stopped_by = ExitCode.TERMINATED
    show_result(stopped, as_json=False)

    shown = capsys.readouterr()
    assert "extract 1/2 with 2 rows" in shown.out
    assert shown.err.startswith("error: stopped by SIGTERM after the unit at work\nhint: run it again: ")


def test_units_that_had_nothing_to_do_are_not_counted_as_open() -> None:
    text = summary(
        result(
            done(Phase.TRANSFORM, 4), Unit(Phase.TRANSFORM, "idle"), Unit(Phase.LOAD, "idle"), Unit(Phase.LOAD, "too")
        )
    )

    assert text.endswith("transform 1/1 with 4 rows, load nothing")


def test_a_partial_run_says_so() -> None:
    text = summary(result(done(Phase.EXTRACT, 1), failed(Phase.EXTRACT, "b", ApiUnavailableError("x"))))

    assert text == "run 10x: partial in 18.4 s, 5 credits; extract 1/2 with 1 row"


def test_a_table_off_a_terminal_is_tab_separated_without_escape_codes(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("title", ["name", "value"], [["a", 1], ["[red]b[/red]", None]])

    assert capsys.readouterr().out == "name\tvalue\na\t1\n[red]b[/red]\tNone\n"


def test_a_table_on_a_terminal_shows_everything_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    show_table("title", ["name", "value"], [["[red]b[/red]", "\u4e2d\u6587"]])

    assert "title" in terminal.getvalue()
    assert "[red]b[/red]" in terminal.getvalue()
    assert "\u4e2d\u6587" in terminal.getvalue()


def test_a_run_on_a_terminal_is_a_table_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    show_result(GOOD, as_json=False)

    assert "quarantined" in terminal.getvalue()
    assert terminal.getvalue().splitlines()[-1] == summary(GOOD)


@pytest.mark.parametrize(
    ("hint", "shown"), [("do this", "error: it failed\nhint: do this\n"), ("", "error: it failed\n")]
)
def test_an_error_is_what_happened_and_what_to_do(capsys: pytest.CaptureFixture[str], hint: str, shown: str) -> None:
    show_error(CryptoEltError("it failed", hint=hint), as_json=False, command="run")

    assert capsys.readouterr() == ("", shown)


def test_an_error_of_a_whole_command_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(CryptoEltError("it failed", hint="do this"), as_json=True, command="run")

    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"] == {
        "type": "CryptoEltError",
        "message": "it failed",
        "hint": "do this",
        "exit_code": 1,
        "context": {},
    }
    assert shown.err == "error: it failed\nhint: do this\n"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_terminal_of_any_encoding_is_told_everything(tmp_path: Path, encoding: str) -> None:
    root = "/lake/\u4e2d\u6587"
    environment = {**os.environ, "CRYPTOELT_HOME": str(tmp_path), "CRYPTOELT_LAKE__ROOT": root}
    command = [sys.executable, "-m", "cryptoelt", "config", "show", "--json"]
    done = subprocess.run(command, env={**environment, "PYTHONIOENCODING": encoding}, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding))["settings"]["lake.root"]["value"] == root


def test_json_keeps_letters_of_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"name": "\u4e2d\u6587"})

    assert capsys.readouterr().out == '{"name": "\u4e2d\u6587"}\n'
