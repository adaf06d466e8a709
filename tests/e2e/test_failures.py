"""What goes wrong around the API: key, words, homes, locks, the database. Each is told, costs nothing, and passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.errors import ExitCode
from cryptoelt.frequencies import tables_of
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.warehouse.embedded_process import free_port
from tests.support.accidents import assert_one_error, assert_told, initialised, unwritable
from tests.support.cli import Cli, home_env, wait_until
from tests.support.evidence import count, rows
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import Finished

CATEGORIES, GLOBAL, SENTIMENT = (
    "cryptocurrency/categories",
    "global-metrics/quotes/latest",
    "fear-and-greed/latest",
)
RUN = ("run", "--freq", "10x")
EXTRACT = ("extract", "--freq", "10x")
TABLES = tables_of("10x")
PASSWORD = "the-warehouse-s-password"


# --- key, words, homes ------------------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_started_and_nobody_is_asked(home: Path, sandbox: SandboxServer) -> None:
    finished = InProcess(home, home_env(home, sandbox, key=""))(*RUN)
    assert finished.code == ExitCode.CONFIGURATION
    assert_one_error(finished, "key", "CRYPTOELT_API__KEY")
    assert finished.stdout == ""
    assert sandbox.served() == []
    assert not (home / "logs" / "spark.log").exists()
    assert not (home / ".postgres").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("extract", "--endpoint", "cryptocurrency/categoris"), ("cryptocurrency/categoris", CATEGORIES)),
        (("extract", "--endpoint", "global-metrics"), ("global-metrics", GLOBAL)),
        (("transform", "--table", "fact_crypto_categorie"), ("fact_crypto_categorie", "fact_crypto_category")),
        (("load", "--table", "fact_global"), ("fact_global", "fact_global_market")),
        (("run", "--freq", "10"), ("'10'", "10x")),
        (("extract", "--freq", "10X"), ("'10X'", "10x")),
        (("run", "--freq", "10x", "--wait", "soon"), ("--wait", "soon", "10m")),
        (("load", "--version", "1"), ("--version", "--table")),
        (("extract", "--freq", "10x", "--endpoint", CATEGORIES), ("--freq", "--endpoint")),
        (("extrakt",), ("extrakt",)),
        (("run",), ("--freq",)),
        (("--set", "api.read_timout=5", "extract"), ("api.read_timout",)),
    ],
)
def test_a_wrong_word_is_told_with_the_right_one(
    in_process: InProcess, sandbox: SandboxServer, words: tuple[str, ...], told: tuple[str, ...]
) -> None:
    finished = in_process(*words)
    assert finished.code == ExitCode.USAGE, finished.told
    assert_one_error(finished, *told)
    assert sandbox.served() == []
    assert not (in_process.home / "lake").exists()


def test_a_home_with_synthetic_data_never_asks_the_real_api(in_process: InProcess) -> None:
    assert in_process(*EXTRACT).code == 0
    bronze = sorted((in_process.home / "lake").rglob("*.parquet"))
    # An address of documentation: should a request be made after all, it reaches nobody.
    finished = in_process(*EXTRACT, API__BASE_URL="http://192.0.2.1:9", API__CONNECT_TIMEOUT="1")
    assert finished.code == ExitCode.CONFIGURATION
    assert_one_error(finished, "synthetic and real data never mix", "CRYPTOELT_HOME")
    assert sorted((in_process.home / "lake").rglob("*.parquet")) == bronze


def test_a_home_with_real_data_never_asks_a_sandbox(in_process: InProcess, sandbox: SandboxServer) -> None:
    origin = in_process.home / "metadata" / "api" / "origin.json"
    origin.parent.mkdir(parents=True)
    origin.write_text('{"kind": "public"}')
    finished = in_process("extract")
    assert finished.code == ExitCode.CONFIGURATION
    assert_one_error(finished, "synthetic and real data never mix", "CRYPTOELT_HOME")
    assert sandbox.served() == []


def test_a_home_that_is_a_file_cannot_be_used(in_process: InProcess, sandbox: SandboxServer) -> None:
    (in_process.home / "file").write_text("")
    finished = in_process("extract", HOME=str(in_process.home / "file"))
    assert finished.code == ExitCode.CONFIGURATION, finished.told
    assert_one_error(finished, str(in_process.home / "file"))
    assert sandbox.served() == []


def test_a_home_that_cannot_be_written_cannot_be_used(
    in_process: InProcess, sandbox: SandboxServer, tmp_path: Path
) -> None:
    with unwritable(tmp_path / "read_only") as folder:
        finished = in_process("extract", HOME=str(folder))
    assert finished.code == ExitCode.CONFIGURATION, finished.told
    assert_one_error(finished, str(folder), "CRYPTOELT_HOME")
    assert sandbox.served() == []


def test_two_at_once_share_nothing(cli: Cli, sandbox: SandboxServer) -> None:
    sandbox.add_fault("slow", value="3", endpoint=CATEGORIES, times=1)
    with cli.start(*EXTRACT) as first:
        wait_until(sandbox.served, "the first extract to be under way")
        second = cli(*EXTRACT, "--json")
        queued = cli(*EXTRACT, "--wait", "60s")
        ended = first.end()
    assert second.code == ExitCode.LOCKED, second.told
    assert_one_error(second, str(first.pid), "--wait")
    assert (second.json()["status"], second.json()["exit_code"]) == ("refused", ExitCode.LOCKED)
    assert (ended.code, queued.code) == (0, 0), queued.told
    assert [entry["endpoint"] for entry in sandbox.served()] == ["key/info", CATEGORIES, GLOBAL, SENTIMENT] * 2


# --- the database -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outage:
    """A run without its database, and the two databases that were filled from its lake afterwards."""

    home: Path
    during: Finished
    after: Finished
    again: Finished
    elsewhere: Finished
    url: str
    other_url: str


@pytest.fixture(scope="module")
def outage(make_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Outage:
    home = tmp_path_factory.mktemp("outage")
    with SandboxServer(seed=7, world="small", refresh=1, minute_limit=100_000) as sandbox:
        cli = Cli(home, home_env(home, sandbox, API__MAX_WAIT="0"))
        url, other_url = initialised(cli, make_database()), initialised(cli, make_database())
        nobody = f"postgresql://team:{PASSWORD}@127.0.0.1:{free_port()}/crypto"
        return Outage(
            home,
            during=cli(*RUN, "--json", WAREHOUSE__URL=nobody),
            after=cli("load", "--freq", "10x", "--json", WAREHOUSE__URL=url),
            again=cli("load", WAREHOUSE__URL=url),
            elsewhere=cli("load", "--freq", "10x", "--json", WAREHOUSE__URL=other_url),
            url=url,
            other_url=other_url,
        )


def test_without_the_database_bronze_and_silver_are_done(outage: Outage) -> None:
    assert outage.during.code == ExitCode.UNAVAILABLE, outage.during.told
    units = outage.during.json()["units"]
    assert {unit["status"] for unit in units if unit["phase"] != "load"} == {"done"}
    failed = [unit for unit in units if unit["phase"] == "load"]
    assert [unit["name"] for unit in failed] == list(TABLES)
    assert {unit["error"]["type"] for unit in failed} == {"DatabaseUnavailableError"}
    assert {unit["error"]["exit_code"] for unit in failed} == {ExitCode.UNAVAILABLE}
    assert_told(outage.during, "127.0.0.1", "hint: ")
    assert len(outage.during.stderr.splitlines()) <= 3 * len(TABLES)


def test_the_password_of_the_database_is_told_nobody(outage: Outage) -> None:
    assert PASSWORD not in outage.during.stdout + outage.during.stderr
    kept = [path for path in outage.home.rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if PASSWORD.encode() in path.read_bytes()] == []


def test_a_load_catches_up_once_the_database_is_back(outage: Outage) -> None:
    assert outage.after.code == 0, outage.after.told
    assert not [unit for unit in outage.after.json()["units"] if unit["status"] != "done"]
    assert count(outage.url, "dwh.fact_crypto_category") == count(outage.url, "dwh.dim_crypto_category") == 12
    assert outage.again.code == 0
    assert "nothing to do" in outage.again.stdout


def test_a_second_empty_database_is_filled_from_the_same_lake(outage: Outage) -> None:
    assert outage.elsewhere.code == 0, outage.elsewhere.told
    for table in TABLES:
        assert contents(outage.url, table) == contents(outage.other_url, table) != []


def contents(url: str, table: str) -> list[dict[str, Any]]:
    return rows(url, f"SELECT * FROM dwh.{table} ORDER BY snapshot_timestamp, 1")


def test_a_database_never_initialised_is_told_before_any_call(
    in_process: InProcess, sandbox: SandboxServer, make_database: Callable[[], str]
) -> None:
    nowhere = f"{make_database()}_that_is_not_there"
    for command, url in ((RUN, make_database()), (("load",), make_database()), (("load",), nowhere)):
        finished = in_process(*command, WAREHOUSE__URL=url)
        assert finished.code == ExitCode.SCHEMA, finished.told
        assert_one_error(finished, "`cryptoelt db init`")
    assert sandbox.served() == []
    assert in_process(*EXTRACT).code == 0  # needs no database
