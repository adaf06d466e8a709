"""Backfills that are killed: the warehouse ends as Bronze says, and no work is done twice."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from cryptoelt.errors import ExitCode
from cryptoelt.results import Phase
from cryptoelt.settings import Settings, WarehouseSettings
from cryptoelt.tables import TABLES
from tests.support.backfilling import MONDAY, BackfilledHome, units
from tests.support.cli import Cli, home_env, wait_until
from tests.support.comparison import require_same_content

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

MARKET = "fact_crypto_market"
_PATIENCE = 300.0


def kill(home: BackfilledHome, arguments: tuple[str, ...], written: str, times: int = 1) -> None:
    """Kill a command and its JVM as soon as files or lines of this pattern were written so many times."""
    folder = home.settings.home
    url = home.settings.warehouse.url.get_secret_value()
    cli = Cli(folder, home_env(folder, WAREHOUSE__URL=url, SPARK__MASTER="local[2]"))

    def count() -> int:
        files = list(folder.glob(written))
        return sum(path.read_bytes().count(b"\n") for path in files) if written.endswith(".jsonl") else len(files)

    before = count()
    with cli.start(*arguments) as running:
        wait_until(lambda: not running.is_running() or count() - before >= times, f"{times} x {written}", _PATIENCE)
        assert running.is_running(), running.end().told
        finished = running.kill_group()
    assert finished.code < 0


def test_after_kills_an_outage_and_a_repaired_file_live_rebuilt_and_rebuilt_in_place_are_the_same(
    make_home: Callable[[str], BackfilledHome], fortnight: Path, closed_port: int
) -> None:
    live = make_home("live")
    live.take(fortnight, MONDAY + timedelta(days=2))
    assert live.transform_and_load().exit_code is ExitCode.DONE

    live.take(fortnight, MONDAY + timedelta(days=7))
    kill(live, ("backfill",), "lake/silver/*/dim_crypto_id/_delta_log/*.json")
    nowhere = WarehouseSettings(url=SecretStr(f"postgresql://u:p@127.0.0.1:{closed_port}/none"))
    away = BackfilledHome(Settings(home=live.settings.home, warehouse=nowhere), live.host)
    assert away.backfill().exit_code is ExitCode.UNAVAILABLE

    live.take(fortnight, MONDAY + timedelta(days=9))
    torn = live.path(live.snapshots(MARKET)[-1])
    good = torn.read_bytes()
    torn.write_bytes(good[:-100])
    assert live.backfill().exit_code is ExitCode.PARTIAL
    torn.write_bytes(good)

    live.take(fortnight)
    kill(live, ("backfill", "--rebuild"), "lake/silver/*/dim_crypto_id/_delta_log/*.json")
    assert live.transform_and_load().exit_code is ExitCode.DONE  # between a killed rebuild and its resumption
    kill(live, ("backfill", "--rebuild"), "metadata/load/*.jsonl", 4)
    resumed = live.backfill(rebuild=True)
    assert resumed.exit_code is ExitCode.DONE
    again = units(resumed, Phase.LOAD)
    assert 0 < len(again) < len(TABLES) - 3
    for table in TABLES:  # once by the rebuild, beside what the two backfills before it filled
        lines = live.journal(f"transform/{table}")
        built = sum(len(line.get("snapshots", ())) for line in lines)
        assert built <= len(live.snapshots(table)) + 5, table

    assert live.query("SELECT count(*) >= 4, count(DISTINCT table_name) >= 4 FROM ops.quarantine") == [(True, True)]
    remade = make_home("remade").take(fortnight)
    assert remade.backfill(rebuild=True).exit_code is ExitCode.DONE
    require_same_content(live.warehouse, remade.warehouse, "one rebuilt into an empty database")
    assert live.backfill(rebuild=True).exit_code is ExitCode.DONE
    require_same_content(live.warehouse, remade.warehouse, "itself, rebuilt in place")
    assert live.transform_and_load().reason == remade.transform_and_load().reason == ""
    shutil.rmtree(live.settings.home)
