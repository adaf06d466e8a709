"""However a run ends, it is logged and journalled; and what is wrong with the warehouse costs no answer."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg2 import sql
from pydantic import SecretStr

from cryptoelt.clock import Clock, parse_iso
from cryptoelt.errors import CryptoEltError, ExitCode, LockedError, SchemaError
from cryptoelt.frequencies import Window, endpoints_of, tables_of
from cryptoelt.lake.silver import SilverTable, table_uri
from cryptoelt.locks import file_lock
from cryptoelt.logs import configure_logging
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.jobs import Job
from cryptoelt.pipeline.status import status_report
from cryptoelt.pipeline.windows import lacking_endpoints
from cryptoelt.results import Phase, Status
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.engine import Warehouse
from tests.support.schedule import SimulatedClock, SimulatedHome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptoelt.spark import SparkHost

TEN = endpoints_of("10x")
OPEN = "2026-11-23T11:10:00Z"
#: What a firing does but for Spark, which the lifecycle of a run does not need.
WITHOUT_SPARK = Job("10x", endpoints=TEN, load=tables_of("10x"), due=True)


class PassingClock(SimulatedClock):
    """Moves on by what is slept."""

    def sleep(self, seconds: float) -> None:
        self.stop.raise_if_set()
        self.moment += timedelta(seconds=seconds)
        self.stop.raise_if_set()


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A small market at a moment of its own."""
    start = datetime(2026, 11, 23, 8, tzinfo=UTC)
    with SandboxServer(seed=11, world="small", start_time=start, speed=0, minute_limit=10**6) as server:
        yield server


@pytest.fixture
def make(home: Path, sandbox: SandboxServer) -> Callable[..., SimulatedHome]:
    """Make a home that loads into this warehouse."""

    def made(url: SecretStr, host: SparkHost | None = None) -> SimulatedHome:
        simulated = SimulatedHome.make(home, sandbox, warehouse=url, host=host)
        simulated.clock = PassingClock(simulated.clock.moment)
        configure_logging(home / "logs", "run-1", simulated.clock.now(), [], verbose=False)
        return simulated.at(OPEN)

    return made


def logged(home: Path) -> list[str]:
    lines = [json.loads(line) for path in (home / "logs").glob("*.jsonl") for line in path.read_text().splitlines()]
    return [line["event"] for line in lines if line["event"] in {"run.started", "run.ended"}]


def last_run(simulated: SimulatedHome) -> dict[str, Any]:
    line = next(RunJournal(simulated.settings.metadata_dir).newest_first("10x"))
    (told,) = [f.last_run for f in status_report(simulated.settings, simulated.bronze, simulated.clock, 7).frequencies
               if f.name == "10x"]  # fmt: skip
    assert told == line
    return line


# --- a warehouse that cannot be loaded --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """Something wrong with a warehouse: how it is brought about, and the code that tells of it."""

    code: ExitCode
    make: Callable[[Warehouse, ExitStack], SecretStr]


def _url(warehouse: Warehouse, **parts: str) -> SecretStr:
    user, database = parts.get("user", warehouse.parameters["user"]), parts.get("database", warehouse.database)
    given = warehouse.parameters
    password = warehouse.password.get_secret_value()
    port = parts.get("port", given["port"])
    return SecretStr(f"postgresql://{user}:{password}@{given['host']}:{port}/{database}")


def _execute(warehouse: Warehouse, statement: sql.Composable) -> None:
    with closing(warehouse.connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def _at_another_revision(warehouse: Warehouse, _: ExitStack) -> SecretStr:
    _execute(warehouse, sql.SQL("UPDATE ops.alembic_version SET version_num = '0001'"))
    return _url(warehouse)


def _locked(warehouse: Warehouse, stack: ExitStack) -> SecretStr:
    stack.enter_context(Warehouse(_url(warehouse), Clock()).run_lock(0))
    return _url(warehouse)


def _not_utf8(warehouse: Warehouse, _: ExitStack) -> SecretStr:
    name = f"{warehouse.database}_ascii"
    statement = (
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER 'libc' LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    _execute(warehouse, sql.SQL(statement).format(sql.Identifier(name)))
    return _url(warehouse, database=name)


TROUBLES = {
    "at another revision": Trouble(ExitCode.SCHEMA, _at_another_revision),
    "locked by another run": Trouble(ExitCode.LOCKED, _locked),
    "without our role": Trouble(ExitCode.CONFIGURATION, lambda warehouse, _: _url(warehouse, user="nobody_here")),
    "without our database": Trouble(ExitCode.SCHEMA, lambda warehouse, _: _url(warehouse, database="not_there")),
    "in another encoding": Trouble(ExitCode.CONFIGURATION, _not_utf8),
    "not answering": Trouble(ExitCode.UNAVAILABLE, lambda warehouse, _: _url(warehouse, port="1")),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=list(TROUBLES))
def test_a_firing_extracts_whatever_is_wrong_with_the_warehouse(
    trouble: Trouble, warehouse: Warehouse, make: Callable[..., SimulatedHome]
) -> None:
    with ExitStack() as stack:
        simulated = make(trouble.make(warehouse, stack))
        result = simulated.do(WITHOUT_SPARK)

    assert result.exit_code is trouble.code
    assert simulated.asked() == TEN
    assert all(unit.status is Status.DONE for unit in result.units if unit.phase is Phase.EXTRACT)
    assert result.window_start is not None
    line = last_run(simulated)
    assert (line["exit_code"], line["is_answered"], line["is_complete"]) == (trouble.code, True, False)
    assert line["error"]["message"] == result.error.message  # type: ignore[union-attr]
    assert logged(simulated.settings.home) == ["run.started", "run.ended"]


@pytest.mark.parametrize("trouble", [t for t in TROUBLES.values() if t.code is not ExitCode.UNAVAILABLE])
def test_a_run_by_hand_is_refused_before_the_first_call_and_recorded(
    trouble: Trouble, warehouse: Warehouse, make: Callable[..., SimulatedHome]
) -> None:
    with ExitStack() as stack:
        simulated = make(trouble.make(warehouse, stack))
        with pytest.raises(CryptoEltError) as caught:
            simulated.run("10x", due=False)

    assert caught.value.exit_code is trouble.code
    assert simulated.asked() == []
    assert last_run(simulated)["exit_code"] == trouble.code
    assert logged(simulated.settings.home) == ["run.started", "run.ended"]


def test_silver_is_built_although_the_warehouse_is_at_another_revision(
    postgres_url: SecretStr, make: Callable[..., SimulatedHome], spark_host: SparkHost
) -> None:
    simulated = make(postgres_url, spark_host)  # never initialised
    result = simulated.run("10x")

    assert result.exit_code is ExitCode.SCHEMA
    root = simulated.settings.lake_root
    for table in tables_of("10x"):
        silver = SilverTable(table_uri(root, TABLES[table].domain, table))
        assert silver.exists, table
    assert isinstance(result.error, SchemaError)


def test_a_warehouse_that_is_freed_while_its_window_is_open_is_loaded(
    warehouse: Warehouse, make: Callable[..., SimulatedHome]
) -> None:
    simulated = make(_url(warehouse))
    with ExitStack() as stack:
        _locked(warehouse, stack)

        class Freeing(PassingClock):
            def sleep(self, seconds: float) -> None:
                stack.close()
                super().sleep(seconds)

        simulated.clock = Freeing(simulated.clock.moment)
        result = simulated.do(WITHOUT_SPARK)

    assert result.exit_code is ExitCode.DONE


# --- other ends -------------------------------------------------------------------------------------------------------


def test_a_run_that_the_home_s_lock_keeps_out_is_recorded(make: Callable[..., SimulatedHome], closed_port: int) -> None:
    simulated = make(SecretStr(f"postgresql://nobody@127.0.0.1:{closed_port}/none"))
    with file_lock(simulated.settings.home / ".lock"):
        for due in (False, True):
            with pytest.raises(LockedError):
                simulated.run("10x", due=due)

    assert last_run(simulated)["exit_code"] == ExitCode.LOCKED
    assert logged(simulated.settings.home) == ["run.started", "run.ended"] * 2
    assert simulated.asked() == []
    # The firing waited for as long as that was of use, and then said who kept it out.
    assert simulated.clock.now() > datetime(2026, 11, 23, 11, 19, tzinfo=UTC)


def test_a_defect_outside_of_every_unit_is_recorded(
    make: Callable[..., SimulatedHome], closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise KeyError("scan")

    monkeypatch.setattr("cryptoelt.pipeline.service.lacking_endpoints", defect)
    simulated = make(SecretStr(f"postgresql://nobody@127.0.0.1:{closed_port}/none"))
    with pytest.raises(KeyError):
        simulated.run("10x")

    line = last_run(simulated)
    assert (line["exit_code"], line["error"]["type"]) == (1, "InternalError")
    assert "service.py" in line["error"]["message"]
    assert logged(simulated.settings.home) == ["run.started", "run.ended"]


def test_a_second_firing_that_would_wait_ends_silently(make: Callable[..., SimulatedHome], closed_port: int) -> None:
    simulated = make(SecretStr(f"postgresql://nobody@127.0.0.1:{closed_port}/none"))
    with file_lock(simulated.settings.home / ".lock"), file_lock(simulated.settings.home / ".lock.waiting.10x"):
        result = simulated.run("10x")

    assert (result.exit_code, result.is_quiet) == (ExitCode.DONE, True)
    assert "waits" in result.reason
    assert logged(simulated.settings.home) == []
    assert not list(RunJournal(simulated.settings.metadata_dir).newest_first("10x"))


def test_a_firing_waits_although_one_of_another_frequency_does(
    make: Callable[..., SimulatedHome], closed_port: int
) -> None:
    simulated = make(SecretStr(f"postgresql://nobody@127.0.0.1:{closed_port}/none"))
    with ExitStack() as held, file_lock(simulated.settings.home / ".lock.waiting.daily"):
        held.enter_context(file_lock(simulated.settings.home / ".lock"))

        class FreeingClock(PassingClock):
            """Lets the home go while the firing waits for it."""

            def sleep(self, seconds: float) -> None:
                held.close()
                super().sleep(seconds)

        simulated.clock = FreeingClock(simulated.clock.moment)
        result = simulated.do(WITHOUT_SPARK)

    assert not result.reason
    assert lacking_endpoints(simulated.bronze, Window("10x", parse_iso("2026-11-23T10:30:00Z"))) == []


def test_a_run_ends_itself_when_its_window_closes(
    warehouse: Warehouse, make: Callable[..., SimulatedHome], sandbox: SandboxServer
) -> None:
    simulated = make(_url(warehouse))
    sandbox.add_fault(f"http_429_1008@{TEN[1]}*3")  # each costs the rest of a minute
    api = simulated.settings.api.model_copy(update={"max_wait": 65})
    simulated.settings = simulated.settings.model_copy(update={"api": api})
    result = simulated.at("2026-11-23T11:18:30Z").do(WITHOUT_SPARK)

    assert result.exit_code is ExitCode.PARTIAL
    assert "the window closed" in result.error.message  # type: ignore[union-attr]
    assert simulated.clock.now() >= datetime(2026, 11, 23, 11, 20, tzinfo=UTC)
    line = last_run(simulated)
    assert (line["exit_code"], line["is_complete"], line["error"]["type"]) == (3, False, "WindowClosedError")
    window = simulated.at("2026-11-23T11:19:00Z")
    start = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    assert lacking_endpoints(window.bronze, Window("10x", start, start + timedelta(minutes=50))) == TEN[1:]


def test_the_time_of_a_window_binds_no_later_run(make: Callable[..., SimulatedHome], closed_port: int) -> None:
    simulated = make(SecretStr(f"postgresql://nobody@127.0.0.1:{closed_port}/none"))
    simulated.extract("10x")
    late = simulated.at("2026-11-23T11:25:00Z").extract("10x", due=False)
    assert late.exit_code is ExitCode.DONE
