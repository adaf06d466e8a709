"""`run --due` as cron calls it: once a window, silent where there is nothing to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import iso
from cryptoelt.locks import file_lock
from tests.support.cli import Cli, events, home_env, java_of, wait_until
from tests.support.evidence import count, url_of

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.sandbox.server import SandboxServer

#: A grace of two weeks, so that a window is open whenever the tests run.
OPEN = {"SCHEDULE__GRACE": json.dumps({"10x": 14 * 24 * 60})}
DUE = ("run", "--freq", "10x", "--due")


@pytest.fixture
def cron(embedded_home: Path, sandbox: SandboxServer) -> Cli:
    """What cron would start."""
    return Cli(embedded_home, home_env(embedded_home, sandbox, API__MAX_WAIT="0", **OPEN))


def test_a_window_is_served_once_and_then_nothing_is_done_said_or_asked(cron: Cli, sandbox: SandboxServer) -> None:
    first = cron(*DUE)
    asked = len(sandbox.served())
    tables = ("dwh.fact_crypto_category", "dwh.fact_global_market", "dwh.fact_market_sentiment", "ops.load_batch")
    rows = [count(url_of(cron.home), table) for table in tables]
    again = cron(*DUE)
    shown = cron(*DUE, "--json")

    assert first.code == 0, first.told
    assert len(first.stdout.splitlines()) == 1
    assert (again.code, again.stdout, again.stderr) == (0, "", "")
    assert len(sandbox.served()) == asked
    assert [count(url_of(cron.home), table) for table in tables] == rows
    assert shown.json()["status"] == "nothing"
    assert "is done" in shown.json()["reason"]
    assert [event["event"] for event in events(cron.home, "spark.started")] == ["spark.started"]


def test_after_an_outage_of_the_database_the_next_firing_loads_and_asks_nobody(
    cron: Cli, sandbox: SandboxServer, closed_port: int
) -> None:
    down = cron(*DUE, WAREHOUSE__URL=f"postgresql://user:password@127.0.0.1:{closed_port}/none")
    asked = len(sandbox.served())
    up = cron(*DUE)

    assert down.code == 8, down.told
    assert up.code == 0, up.told
    assert len(sandbox.served()) == asked
    assert count(url_of(cron.home), "dwh.fact_global_market") == 1


def test_outside_of_a_window_cron_hears_nothing(cron: Cli, sandbox: SandboxServer) -> None:
    grace = json.dumps({"weekly": 1})
    quiet = cron("run", "--freq", "weekly", "--due", SCHEDULE__GRACE=grace)
    now = datetime.now(UTC)
    if now.weekday() == 0 and now.hour == 8 and now.minute < 2:
        pytest.skip("this is the minute in which the window is open")
    assert (quiet.code, quiet.stdout, quiet.stderr) == (0, "", "")
    assert sandbox.served() == []
    assert java_of(cron.home) == []


def test_a_due_run_waits_for_the_one_under_way(cron: Cli, sandbox: SandboxServer) -> None:
    cron.home.mkdir(exist_ok=True)
    owner = {"pid": 1, "run_id": "other", "command": "run", "host": "here", "started_at": iso(datetime.now(UTC))}
    with file_lock(cron.home / ".lock", owner=owner):
        waiting = cron.start(*DUE)
        wait_until(lambda: events(cron.home, "run.started", pid=waiting.pid), "the run to begin")
        assert waiting.is_running()
        assert sandbox.served() == []
    with waiting:
        done = waiting.end()
    assert done.code == 0, done.told
    assert sandbox.served()


def test_init_is_never_due(cron: Cli) -> None:
    refused = cron("run", "--freq", "init", "--due")
    assert refused.code == 2
    assert "init has no windows" in refused.stderr


def test_status_tells_what_ran_and_what_is_next(cron: Cli, sandbox: SandboxServer) -> None:
    before = cron("status", "--json")
    sandbox.add_fault("http_500@fear-and-greed/latest")
    partial = cron(*DUE)
    after = cron("status", "--json").json()
    people = cron("status")

    assert before.code == 0, before.told
    assert all(frequency["last_run"] is None for frequency in before.json()["frequencies"])
    assert partial.code == 3, partial.told
    (ten,) = [frequency for frequency in after["frequencies"] if frequency["frequency"] == "10x"]
    assert (ten["last_run"]["exit_code"], ten["window_is_done"], ten["missed"]) == (3, False, [])
    fresh = {line["endpoint"]: line["snapshot"] for line in after["freshness"]}
    assert fresh["fear-and-greed/latest"] is None
    assert fresh["global-metrics/quotes/latest"] is not None
    assert "10x" in people.stdout
    assert "HTTP 500" in people.stdout
    assert "\x1b" not in people.stdout


def test_the_printed_crontab_is_for_this_home_and_this_program(cron: Cli) -> None:
    shown = cron("cron", "show")
    lines = cron("cron", "show", "--json").json()["lines"]
    assert shown.code == 0, shown.told
    assert [line for line in shown.stdout.splitlines() if not line.startswith("#")] == lines
    assert len(lines) == 4
    assert all(f"CRYPTOELT_HOME={cron.home} " in line and line.endswith(" --due") for line in lines)


def test_a_window_that_began_before_the_grace_is_over_is_open() -> None:
    """What `OPEN` relies on."""
    from cryptoelt.pipeline.windows import open_window
    from cryptoelt.settings import ScheduleSettings, Settings

    settings = Settings(schedule=ScheduleSettings(grace={"10x": 14 * 24 * 60}))
    sunday = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert all(open_window(settings, "10x", sunday + timedelta(hours=hours)) for hours in range(7 * 24))
