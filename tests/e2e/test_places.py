"""Homes with unusual names, and the bare environment of cron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.errors import ExitCode
from cryptoelt.lake.silver import SilverTable
from cryptoelt.tables import TABLES
from cryptoelt.transform.pending import silver_uri
from tests.support.accidents import assert_one_error, unwritable
from tests.support.cli import Cli, home_env
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.sandbox.server import SandboxServer


def cli_in(folder: Path, sandbox: SandboxServer) -> Cli:
    """The command line in a home of this name, in the locale of a bare cron."""
    folder.mkdir()
    return Cli(folder, home_env(folder, sandbox) | {"LC_ALL": "C"})


def paid_calls(sandbox: SandboxServer) -> list[str]:
    """The endpoints that were asked, but for the one that is free."""
    return [served["endpoint"] for served in sandbox.served() if served["endpoint"] != "key/info"]


def test_a_home_may_have_blanks_and_accents_whatever_the_locale(sandbox: SandboxServer, tmp_path: Path) -> None:
    home = tmp_path / 'josé\'s market, "old"'
    cli = cli_in(home, sandbox)
    assert cli("extract", EXTRACT__ROTATION_DAYS="1").code == 0  # every exchange, so that some have assets
    finished = cli("transform")
    assert finished.code == 0, finished.told
    for table in TABLES:
        assert len(SilverTable(silver_uri(str(home / "lake"), table)).snapshots()) == 1


def test_a_lake_whose_name_spark_would_take_for_a_pattern_is_refused_before_a_credit_is_spent(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    for name in ("a[b]", "a*", "a{b,c}", "100%25", "back\\slash", "who?"):
        (tmp_path / name).mkdir()
        finished = InProcess(tmp_path / name, home_env(tmp_path / name, sandbox))("extract")
        assert finished.code == ExitCode.CONFIGURATION, finished.told
        assert "lake.root" in finished.stderr
    assert paid_calls(sandbox) == []


def test_a_folder_of_bronze_or_of_calls_that_is_somebody_elses_costs_no_credit(
    in_process: InProcess, sandbox: SandboxServer
) -> None:
    for place in ("metadata/calls", "lake/bronze/fear-and-greed"):
        folder = in_process.home / place
        folder.parent.mkdir(parents=True, exist_ok=True)
        with unwritable(folder):
            finished = in_process("extract", "--endpoint", "fear-and-greed/latest")
            assert finished.code == ExitCode.FAILED, finished.told
            assert_one_error(finished, str(folder))
        assert paid_calls(sandbox) == [], place
    assert in_process("extract", "--endpoint", "fear-and-greed/latest").code == 0
