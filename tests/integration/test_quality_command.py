"""quality run and quality list, without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import ExitCode
from cryptoelt.quality.checks import checks, known_tables
from tests.support.broken_rows import BROKEN
from tests.support.cli import home_env
from tests.support.in_process import InProcess
from tests.support.loading import Loading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import SecretStr

    from cryptoelt.warehouse.engine import Warehouse

ESCAPE = "\x1b"


@pytest.fixture
def url(make_database: Callable[[str | None], SecretStr], healthy_template: str) -> SecretStr:
    """A copy of the healthy warehouse."""
    return make_database(healthy_template)


@pytest.fixture
def cli(home: Path, url: SecretStr) -> InProcess:
    """The command line in an empty home with the healthy warehouse."""
    return cli_at(home, url.get_secret_value())


@pytest.fixture
def break_(url: SecretStr, tmp_path: Path) -> Callable[[str], None]:
    """Breaks the row that a check is there for."""
    from cryptoelt.clock import Clock
    from cryptoelt.warehouse.engine import Warehouse

    load = Loading(Warehouse(url, Clock()), "", tmp_path)
    return lambda name: load.execute(BROKEN[name])


def cli_at(home: Path, url: str) -> InProcess:
    return InProcess(home, home_env(home, WAREHOUSE__URL=url))


def test_a_healthy_warehouse_is_one_plain_line_and_code_0(cli: InProcess) -> None:
    finished = cli("quality", "run", "--table", "fact_crypto_market", "--table", "market_sentiment_history")
    assert (finished.code, finished.stderr) == (0, ""), finished.told
    (line,) = finished.stdout.splitlines()
    number = sum(check.table in {"fact_crypto_market", "fact_market_sentiment"} for check in checks())
    assert line.startswith(f"quality: {number} checks of what was loaded last in ")
    assert line.endswith(" s: 0 errors, 0 warnings, 0 infos")


def test_an_error_is_shown_with_its_row_and_what_to_do_and_the_code_is_4(
    cli: InProcess, break_: Callable[[str], None]
) -> None:
    break_("market_kpis")
    break_("market_rank")
    finished = cli("quality", "run", "--table", "fact_crypto_market")
    assert finished.code == ExitCode.QUALITY
    heading, error, warning, last = finished.stdout.splitlines()
    assert heading == "severity\tcheck\ttable\trows\tthe first\twhat to do"
    assert error.startswith('error\tmarket_kpis\tfact_crypto_market\t1\t{"crypto_id": 2, "snapshot_timestamp"')
    assert warning.startswith("warning\tmarket_rank\tfact_crypto_market\t1\t")
    assert last.endswith(": 1 error, 1 warning, 0 infos")
    assert ESCAPE not in finished.stdout
    said, hint = finished.stderr.splitlines()
    assert said == "error: market_kpis found 1 row"
    assert hint.startswith("hint: Rebuild the window from Bronze")


def test_warnings_alone_are_shown_and_the_code_is_0(cli: InProcess, break_: Callable[[str], None]) -> None:
    break_("market_rank")
    finished = cli("quality", "run", "--table", "fact_crypto_market")
    assert (finished.code, finished.stderr) == (0, "")
    assert "market_rank\t" in finished.stdout
    assert finished.stdout.endswith(": 0 errors, 1 warning, 0 infos\n")


def test_json_is_one_object_with_every_check_that_was_run(cli: InProcess, break_: Callable[[str], None]) -> None:
    break_("global_known_flags")
    finished = cli("quality", "run", "--table", "fact_global_market", "--severity", "error", "--full", "--json")
    assert finished.code == ExitCode.QUALITY
    assert len(finished.stdout.splitlines()) == 1
    shown = finished.json()
    assert (shown["schema_version"], shown["command"], shown["exit_code"]) == (1, "quality run", 4)
    assert (shown["is_full"], shown["broken"]) == (True, 0)
    assert shown["found"] == {"error": 1, "warning": 0, "info": 0}
    assert shown["error"]["type"] == "QualityError"
    of_table = [c for c in checks() if c.table == "fact_global_market" and c.severity == "error"]
    assert [check["name"] for check in shown["checks"]] == [check.name for check in of_table]
    found = next(check for check in shown["checks"] if check["name"] == "global_known_flags")
    assert (found["status"], found["rows_found"], found["message"]) == ("failed", 1, "")
    assert found["sample"][0]["defi_volume_share"] == 0.075
    assert {"table", "severity", "description", "action", "seconds", "started_at", "load_batch_id"} <= set(found)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--table", "fact_crypto_markt"], "unknown table 'fact_crypto_markt'", "did you mean fact_crypto_market?"),
        (["--severity", "eror"], "unknown severity 'eror'", "did you mean error?"),
        (["--severity", "worst"], "unknown severity 'worst'", "one of: error, warning, info"),
    ],
)
@pytest.mark.parametrize("command", ["run", "list"])
def test_bad_input_is_code_2_and_one_clear_line(
    home: Path, command: str, words: list[str], message: str, hint: str
) -> None:
    finished = InProcess(home, home_env(home))("quality", command, *words)
    assert (finished.code, finished.stdout) == (ExitCode.USAGE, "")
    assert finished.stderr.splitlines() == [f"error: {message}", f"hint: {hint}"]
    assert list(home.iterdir()) == []


def test_bad_input_with_json_is_one_object(home: Path) -> None:
    finished = InProcess(home, home_env(home))("quality", "run", "--table", "dim_crypto", "--json")
    assert finished.code == ExitCode.USAGE
    assert finished.json()["error"]["type"] == "UsageError"
    assert finished.json()["command"] == "quality run"


def test_list_needs_no_database_and_tells_of_every_check(home: Path) -> None:
    cli = InProcess(home, home_env(home))
    shown = cli("quality", "list", "--json").json()
    assert [check["name"] for check in shown["checks"]] == [check.name for check in checks()]
    assert {check["table"] for check in shown["checks"]} == set(known_tables())
    lines = cli("quality", "list", "--severity", "warning").stdout.splitlines()
    assert lines[0] == "table\tseverity\tcheck\twhat is wrong\twhat to do"
    assert {line.split("\t")[1] for line in lines[1:]} == {"warning"}
    assert ESCAPE not in "".join(lines)


def test_a_warehouse_that_cannot_be_reached_is_code_8(home: Path, closed_port: int) -> None:
    finished = cli_at(home, f"postgresql://nobody@127.0.0.1:{closed_port}/none")("quality", "run", "--json")
    assert finished.code == ExitCode.UNAVAILABLE
    assert finished.json()["error"]["type"] == "DatabaseUnavailableError"


def test_a_warehouse_that_is_not_at_head_is_code_9(home: Path, postgres_url: SecretStr) -> None:
    finished = cli_at(home, postgres_url.get_secret_value())("quality", "run")
    assert finished.code == ExitCode.SCHEMA
    assert "was never initialised" in finished.stderr


def test_what_was_never_loaded_passes(home: Path, warehouse: Warehouse) -> None:
    finished = cli_at(home, warehouse.url.get_secret_value())("quality", "run", "--full")
    assert (finished.code, finished.stderr) == (0, ""), finished.told
