"""Runs that are asked to stop, in every phase: they end with the right code, leave no java behind, and lose nothing.

The stops are steps of one story in one home, told once; each test looks at one step of it.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cryptoelt.errors import ExitCode
from cryptoelt.frequencies import tables_of
from cryptoelt.machine.java import find_java
from cryptoelt.sandbox.server import SandboxServer
from tests.support.cli import Cli, events, home_env, java_of, wait_until
from tests.support.invariants import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.cli import Finished, Running

TABLES = tables_of("10x")
LAST_ENDPOINT = "fear-and-greed/latest"
#: Longer than any of these tests may take: who waits for this answer shows that it was not stopped.
_FOR_EVER = 300
#: Seconds in which an extraction has ended, on a machine that does other things as well.
_AT_MOST = 10.0
#: Extractions before the first transformation.
_SNAPSHOTS = 5


@dataclass(frozen=True)
class Stop:
    """One stopped command: how it ended, and what was left of it."""

    finished: Finished
    java: list[int]
    seconds: float

    def done(self, phase: str) -> list[str]:
        """Return the units of a phase that did all or some of their work."""
        units = self.finished.json()["units"]
        return [unit["name"] for unit in units if unit["phase"] == phase and unit["status"] in {"done", "partial"}]


@dataclass
class Story:
    """A home whose commands are stopped one after the other."""

    witness: Witness

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The journal of runs."""
        files = (self.witness.home / "metadata" / "runs").glob("*.jsonl")
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    in_extract: Stop
    by_ctrl_c: Stop
    twice: Stop
    in_transform: Stop
    silver_when_stopped: int
    whole_group: Stop
    without_jvm: Stop
    in_load: Stop
    by_force: Stop
    in_the_end: Finished


@pytest.fixture(scope="module")
def story(make_embedded_home: Callable[[str], Path]) -> Iterator[Story]:
    home = make_embedded_home("stopped")
    with SandboxServer(seed=11, world="small", refresh=1, minute_limit=100_000) as sandbox:
        yield _told(Witness(home, sandbox), Cli(home, home_env(home, sandbox)))


def _told(witness: Witness, cli: Cli) -> Story:
    initialised = cli("db", "init")
    assert initialised.code == 0, initialised.told
    in_extract = _stop_in_extract(witness, cli, "run", 2, _terminate)
    by_ctrl_c = _stop_in_extract(witness, cli, "extract", 2, lambda running: running.send_group(signal.SIGINT))
    twice = _stop_in_extract(witness, cli, "run", _FOR_EVER, _terminate_twice)
    for _ in range(_SNAPSHOTS - 3):  # so that every transformation below has something left to do when it is stopped
        assert cli("extract", "--freq", "10x").code == 0
    in_transform = _stop_in_transform(witness.home, cli, _terminate)
    silver = _silver_snapshots(witness)
    whole_group = _stop_in_transform(witness.home, cli, lambda running: running.send_group(signal.SIGTERM))
    without_jvm = _stop_in_transform(witness.home, cli, lambda _: _kill_java(witness.home))
    in_load = _stop_in_load(witness, cli, "fact_crypto_category", gives_way=True)
    by_force = _stop_in_load(witness, cli, "fact_global_market", gives_way=False)
    witness.check_after_kill()  # only who was stopped twice may have lost the answer it waited for
    in_the_end = cli("run", "--freq", "10x")
    return Story(
        *(witness, in_extract, by_ctrl_c, twice, in_transform, silver, whole_group, without_jvm),
        *(in_load, by_force, in_the_end),
    )


def _stop_in_extract(witness: Witness, cli: Cli, command: str, slow: int, stop: Callable[[Running], None]) -> Stop:
    """Stop a command while it waits for the last answer of its extraction."""
    before = _asked(witness.sandbox)
    witness.sandbox.add_fault(f"slow={slow}@{LAST_ENDPOINT}*1")
    with cli.start(command, "--freq", "10x", "--json") as running:
        wait_until(lambda: _asked(witness.sandbox) > before, f"the call of {LAST_ENDPOINT}")
        if command == "run":
            wait_until(lambda: java_of(witness.home), "the JVM")
        return _stopped(witness.home, running, stop)


def _stop_in_transform(home: Path, cli: Cli, stop: Callable[[Running], None]) -> Stop:
    """Stop a transformation as soon as the first snapshot of the first table is written."""
    with cli.start("transform", "--freq", "10x", "--json") as running:
        wait_until(lambda: events(home, "transform.done", pid=running.pid), "the first Silver commit")
        return _stopped(home, running, stop)


def _stop_in_load(witness: Witness, cli: Cli, table: str, *, gives_way: bool) -> Stop:
    """Stop a load while it waits for a table that another session holds, which may give way to it then."""
    with closing(witness.warehouse.connect()) as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE dwh.{table} IN ACCESS EXCLUSIVE MODE")
        waiting = f"SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'dwh.{table}'::regclass"
        with cli.start("load", "--freq", "10x", "--json") as running:
            wait_until(lambda: witness.query(waiting), f"the load to reach {table}")

            def stop(running: Running) -> None:
                running.send(signal.SIGTERM)
                if gives_way:
                    other.rollback()
                else:
                    wait_until(lambda: events(witness.home, "signal.taken", pid=running.pid), "the signal to be taken")
                    running.send(signal.SIGTERM)

            return _stopped(witness.home, running, stop)


def _stopped(home: Path, running: Running, stop: Callable[[Running], None]) -> Stop:
    began = time.monotonic()
    stop(running)
    finished = running.end()
    seconds = time.monotonic() - began
    return Stop(finished, java_of(home), seconds)


def _terminate(running: Running) -> None:
    running.send(signal.SIGTERM)


def _terminate_twice(running: Running) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):  # two of one kind could become one
        running.send(number)


def _kill_java(home: Path) -> None:
    for pid in java_of(home):
        os.kill(pid, signal.SIGKILL)


def _asked(sandbox: SandboxServer) -> int:
    return sum(answer["endpoint"] == LAST_ENDPOINT for answer in sandbox.served())


def _silver_snapshots(witness: Witness) -> int:
    return sum(len(good) for good, _ in (witness.silver(table) for table in TABLES))


# --- stops ------------------------------------------------------------------------------------------------------------


def test_sigterm_during_extraction_ends_after_the_answer_under_way(story: Story) -> None:
    stop = story.in_extract
    assert stop.finished.code == ExitCode.TERMINATED, stop.finished.told
    assert stop.finished.json()["exit_code"] == ExitCode.TERMINATED
    assert len(stop.done("extract")) == 3
    assert stop.done("transform") == stop.done("load") == []


def test_sigterm_during_transformation_ends_after_the_snapshots_under_way(story: Story) -> None:
    stop = story.in_transform
    assert stop.finished.code == ExitCode.TERMINATED, stop.finished.told
    assert stop.done("transform")
    assert len(TABLES) <= story.silver_when_stopped < len(TABLES) * _SNAPSHOTS


def test_sigterm_during_the_load_ends_after_the_table_under_way(story: Story) -> None:
    stop = story.in_load
    assert stop.finished.code == ExitCode.TERMINATED, stop.finished.told
    assert stop.done("load") == ["dim_crypto_category", "fact_crypto_category"]


def test_a_second_signal_ends_by_force_what_waits_for_the_database_and_that_is_logged(story: Story) -> None:
    stop = story.by_force
    assert stop.finished.code == ExitCode.TERMINATED, stop.finished.told
    assert stop.seconds < _AT_MOST
    begun = [event["run_id"] for event in events(story.witness.home, "run.started")]
    assert [event["run_id"] for event in events(story.witness.home, "run.ended")] == begun


def test_sigterm_to_the_whole_group_ends_as_terminated_although_spark_is_gone_too(story: Story) -> None:
    stop = story.whole_group
    assert stop.finished.code == ExitCode.TERMINATED, stop.finished.told
    assert "Traceback" not in stop.finished.stderr
    assert "internal error" not in stop.finished.stderr


def test_a_jvm_that_is_killed_fails_the_tables_under_way_in_words_of_ours(story: Story) -> None:
    stop = story.without_jvm
    assert stop.finished.code == ExitCode.PARTIAL, stop.finished.told
    assert "JVM has ended" in stop.finished.stderr
    assert "Traceback" not in stop.finished.stderr
    assert "internal error" not in stop.finished.stderr


def test_ctrl_c_ends_as_interrupted(story: Story) -> None:
    stop = story.by_ctrl_c
    assert stop.finished.code == ExitCode.INTERRUPTED, stop.finished.told
    assert len(stop.done("extract")) == 3


def test_a_second_signal_of_any_kind_ends_at_once_and_in_order(story: Story) -> None:
    stop = story.twice
    assert stop.finished.code == ExitCode.TERMINATED, stop.finished.told
    assert len(stop.done("extract")) == 2
    assert stop.seconds < _AT_MOST
    (line,) = [line for line in story.runs if line["run_id"] == stop.finished.json()["run_id"]]
    assert (line["exit_code"], line["status"]) == (ExitCode.TERMINATED, "partial")


@pytest.mark.parametrize(
    "stop",
    [
        "in_extract",
        "by_ctrl_c",
        "twice",
        "in_transform",
        "whole_group",
        "without_jvm",
        "in_load",
        "by_force",
    ],
)
def test_no_java_process_is_left(story: Story, stop: str) -> None:
    assert getattr(story, stop).java == []


def test_what_was_fetched_before_the_stops_is_loaded_by_the_next_run(story: Story) -> None:
    assert story.in_the_end.code == 0, story.in_the_end.told
    story.witness.check_after_run()


# --- whatever keeps a run from ending --------------------------------------------------------------------------------


def test_a_run_is_recorded_although_it_waits_for_an_answer_that_never_comes(
    cli: Cli, sandbox: SandboxServer, closed_port: int
) -> None:
    sandbox.add_fault(f"slow={_FOR_EVER}@{LAST_ENDPOINT}")
    nowhere = f"postgresql://nobody@127.0.0.1:{closed_port}/none"
    with cli.start("run", "--freq", "10x", "--json", API__READ_TIMEOUT="3600", WAREHOUSE__URL=nowhere) as running:
        wait_until(lambda: _asked(sandbox), "the call")
        wait_until(lambda: java_of(cli.home), "the JVM")
        stop = _stopped(cli.home, running, lambda running: running.send(signal.SIGINT))

    assert stop.finished.code == ExitCode.INTERRUPTED, stop.finished.told
    assert stop.seconds < _AT_MOST
    assert stop.java == []
    assert len(stop.done("extract")) == 2
    (line,) = (cli.home / "metadata" / "runs").glob("*.jsonl")
    assert json.loads(line.read_text(encoding="utf-8"))["exit_code"] == ExitCode.INTERRUPTED
    assert [event["event"] for event in events(cli.home, "run.started", "run.ended")] == ["run.started", "run.ended"]
    assert cli("budget", "--json").json()["reserved"] == 1
    sandbox.clear_faults()
    assert cli("extract", "--endpoint", LAST_ENDPOINT).code == 0
    assert cli("budget", "--json").json()["reserved"] == 0


def test_a_run_that_waits_to_try_again_ends_at_once(cli: Cli, sandbox: SandboxServer) -> None:
    sandbox.add_fault(f"http_429_1011@{LAST_ENDPOINT}")  # the first wait is 15 s
    with cli.start("extract", "--endpoint", LAST_ENDPOINT) as running:
        wait_until(lambda: events(cli.home, "call.retry"), "the wait")
        stop = _stopped(cli.home, running, _terminate)
    assert stop.finished.code == ExitCode.TERMINATED, stop.finished.told
    assert stop.seconds < _AT_MOST


#: A Java that hangs with the CPU in full use: where the command line of the JVM is composed, or as the JVM.
_HANGING_JAVA = """#!/bin/sh
case "$*" in *launcher.Main*) part=launcher ;; *SparkSubmit*) part=jvm ;; *) part=none ;; esac
[ $part = {part} ] && while :; do :; done
exec {java} "$@"
"""


@pytest.mark.parametrize(
    ("part", "signals"),
    [("launcher", [signal.SIGTERM]), ("jvm", [signal.SIGTERM]), ("jvm", [signal.SIGINT, signal.SIGTERM])],
    ids=["launcher", "jvm", "jvm-two-signals"],
)
def test_a_jvm_that_never_gets_started_is_not_left_behind(
    cli: Cli, tmp_path: Path, part: str, signals: list[signal.Signals]
) -> None:
    assert cli("extract", "--freq", "10x").code == 0
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(_HANGING_JAVA.format(part=part, java=find_java().program))
    java.chmod(0o755)
    cli.environment["JAVA_HOME"] = str(tmp_path / "jdk")
    with cli.start("transform", "--freq", "10x", "--json") as running:
        wait_until(lambda: part in map(_part_of, _commands_with(java)), "Java to hang")

        def stop(running: Running) -> None:
            for number in signals:
                running.send(number)

        stopped = _stopped(cli.home, running, stop)
        left = _commands_with(java)
    assert stopped.finished.code in {ExitCode.TERMINATED, ExitCode.INTERRUPTED}, stopped.finished.told
    assert stopped.seconds < _AT_MOST
    assert (stopped.java, left) == ([], [])


def test_a_jvm_whose_session_cannot_be_made_is_not_left_behind(cli: Cli) -> None:
    assert cli("extract", "--freq", "10x").code == 0
    failed = cli("transform", "--freq", "10x", SPARK__MASTER="nonsense")
    assert failed.code == ExitCode.FAILED, failed.told
    assert "Spark did not start" in failed.stderr
    assert java_of(cli.home) == []


def _part_of(words: list[str]) -> str:
    line = " ".join(words)
    return "launcher" if "launcher.Main" in line else "jvm" if "SparkSubmit" in line else ""


def _commands_with(program: Path) -> list[list[str]]:
    """Return the command lines of living processes that name a program."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found.append(process.cmdline())
    return [words for words in found if str(program) in words]


# --- the lock ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def holder(cli: Cli, sandbox: SandboxServer) -> Iterator[Running]:
    """A run that holds the lock and waits for an answer that does not come."""
    sandbox.add_fault(f"slow={_FOR_EVER}@{LAST_ENDPOINT}*1")
    with cli.start("extract", "--endpoint", LAST_ENDPOINT) as running:
        wait_until(lambda: _asked(sandbox), "the holder's call")
        yield running


def test_a_second_run_is_refused_and_told_who_holds_the_lock(cli: Cli, sandbox: SandboxServer, holder: Running) -> None:
    spent = sandbox.usage()
    refused = cli("run", "--freq", "10x")
    assert refused.code == ExitCode.LOCKED, refused.told
    assert str(holder.pid) in refused.stderr
    assert "extract" in refused.stderr
    assert sandbox.usage()["requests"] == spent["requests"]
    assert holder.is_running()
    assert not (cli.home / ".spark").exists()
    assert not (cli.home / ".postgres").exists()


def test_a_queued_run_goes_on_as_soon_as_the_holder_is_killed(
    cli: Cli, sandbox: SandboxServer, holder: Running
) -> None:
    with cli.start("extract", "--endpoint", LAST_ENDPOINT, "--wait", "5m") as queued:
        wait_until(lambda: _has_open(queued, cli.home / ".lock"), "the second run to queue")
        assert _asked(sandbox) == 1
        holder.send(signal.SIGKILL)
        finished = queued.end()
    assert finished.code == 0, finished.told
    assert _asked(sandbox) == 2


def test_sigterm_ends_a_queued_run_while_the_holder_goes_on(cli: Cli, holder: Running) -> None:
    with cli.start("extract", "--endpoint", LAST_ENDPOINT, "--wait", "5m") as queued:
        wait_until(lambda: _has_open(queued, cli.home / ".lock"), "the second run to queue")
        queued.send(signal.SIGTERM)
        finished = queued.end(60)
    assert finished.code == ExitCode.TERMINATED, finished.told
    assert holder.is_running()


def _has_open(running: Running, path: Path) -> bool:
    for descriptor in Path(f"/proc/{running.pid}/fd").iterdir():
        try:
            if descriptor.readlink() == path:
                return True
        except FileNotFoundError:
            continue
    return False
