"""The demonstration, as a stranger meets it."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.cli import Cli, Finished, embedded_postgres, home_env

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("demo")
    yield home
    embedded_postgres(home / ".demo").remove()


@pytest.fixture(scope="module")
def demo(demo_home: Path) -> Finished:
    """Run the demonstration once, beside settings of the user's own that must not reach it."""
    environment = home_env(
        demo_home,
        key="the-users-own-key",
        WAREHOUSE__URL="postgresql://user:secret@127.0.0.1:1/none",
        API__BASE_URL="http://127.0.0.1:1",
    )
    return Cli(demo_home, environment)("demo")


def lines_after(text: str, mark: str) -> list[str]:
    return [line.strip() for line in text.partition(mark)[2].splitlines() if line.strip()]


def test_the_demonstration_shows_rows_credits_and_seconds(demo: Finished) -> None:
    assert demo.code == 0, demo.told
    shown = dict(line.split("\t") for line in demo.stdout.splitlines() if line.startswith(("dim_", "fact_")))
    assert int(shown["dim_crypto_category"]) >= 40
    assert int(shown["fact_crypto_category"]) >= 2 * 40
    assert int(shown["dim_crypto_id"]) >= 1200
    assert int(shown["fact_crypto_market"]) >= 2 * 1200
    assert int(shown["fact_market_sentiment"]) > 1000
    assert shown["fact_global_market"] == "2"
    assert all(int(rows) for rows in shown.values())
    assert re.search(r"credits spent this month: \d{3}\n", demo.stdout)
    assert "extract" in demo.stdout
    assert "\x1b" not in demo.stdout


def test_nothing_that_the_demonstration_started_goes_on(demo: Finished, demo_home: Path) -> None:
    assert demo.code == 0, demo.told
    left = []
    for process in psutil.process_iter():
        try:
            if any(str(demo_home) in word for word in process.cmdline()):
                left.append(process.cmdline())
        except psutil.Error:
            continue
    assert left == []
    assert not embedded_postgres(demo_home / ".demo").is_running()


def test_every_command_it_names_works_as_printed(demo: Finished, demo_home: Path) -> None:
    commands = lines_after(demo.stdout, "try next:")
    assert len(commands) >= 2, demo.told
    clean = {name: value for name, value in home_env(demo_home).items() if not name.endswith("MACHINE__CACHE")}
    for command in commands:
        done = subprocess.run(
            ["/bin/sh", "-c", command], env=clean, cwd="/", capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout


def test_its_market_moves_between_the_runs(demo: Finished, demo_home: Path) -> None:
    from sqlalchemy import text

    from cryptoelt.clock import Clock
    from cryptoelt.warehouse.engine import Warehouse

    assert demo.code == 0, demo.told
    warehouse = Warehouse(embedded_postgres(demo_home / ".demo").ensure_running(), Clock())
    with warehouse.engine.connect() as connection:
        caps = connection.scalars(text("SELECT total_market_cap FROM dwh.fact_global_market")).all()
    assert len(set(caps)) == 2
