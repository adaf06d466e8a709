"""The demonstration: the real pipeline against the sandbox, from an empty home on, in a home of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import CryptoEltError
from cryptoelt.program import program
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptoelt.clock import Clock

_MARKET_MOVES_SECONDS = 3600
_RUNS = ("init", "10x", "5x")
#: A market of 1,200 coins and 110 exchanges: all of it is asked in seconds.
_WORLD = "medium"
_UNLIMITED = 1_000_000


@dataclass(frozen=True)
class DemoReport:
    """What the demonstration left behind.

    Attributes:
        home: its home.
        runs: the `--json` object of each run.
        rows: table -> rows now in the warehouse.
        credits: credits charged in the month so far, by the ledger.
        try_next: commands that work as printed.
    """

    home: Path
    runs: list[dict[str, Any]]
    rows: dict[str, int]
    credits: int
    try_next: list[str]


def run_demo(settings: Settings, clock: Clock, say: Callable[[str], None]) -> DemoReport:
    """Run init, 10x and 5x and report; every process that was started is stopped again.

    Raises:
        CryptoEltError: a run did not end well.
    """
    from cryptoelt.api.ledger import CreditLedger
    from cryptoelt.warehouse.embedded import EmbeddedPostgres

    home = settings.home / ".demo"
    home.mkdir(parents=True, exist_ok=True)
    server = EmbeddedPostgres(home, settings.cache_dir)
    was_running = server.is_running()
    try:
        with SandboxServer(seed=2026, world=_WORLD, minute_limit=_UNLIMITED, monthly_credits=_UNLIMITED) as sandbox:
            environment = _environment(home, sandbox.base_url, settings.cache_dir)
            say(f"sandbox API at {sandbox.base_url}, home {home}")
            runs = []
            for frequency in _RUNS:
                say(f"cryptoelt run --freq {frequency}")
                runs.append(_run(environment, frequency))
                sandbox.advance(_MARKET_MOVES_SECONDS)
        rows = _rows(home, settings, clock)
    finally:
        if not was_running:
            server.stop()
    ledger = CreditLedger(home / "metadata", settings.budget, clock).state()
    return DemoReport(home, runs, rows, ledger.charged, _try_next(home))


def _environment(home: Path, base_url: str, cache_dir: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user's own settings reaches the demonstration."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CRYPTOELT_") and k != "CMC_API_KEY"}
    return inherited | {
        "CRYPTOELT_HOME": str(home),
        "CRYPTOELT_API__BASE_URL": base_url,
        "CRYPTOELT_API__KEY": "demo",
        "CRYPTOELT_API__REQUESTS_PER_MINUTE": str(_UNLIMITED),
        "CRYPTOELT_BUDGET__MONTHLY_CREDITS": str(_UNLIMITED),
        "CRYPTOELT_MACHINE__CACHE": str(cache_dir),
    }


def _run(environment: dict[str, str], frequency: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "cryptoelt", "run", "--freq", frequency, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise CryptoEltError(
            f"the run ended with code {done.returncode}: {done.stderr.strip() or done.stdout.strip()}",
            hint=f"see the logs in {environment['CRYPTOELT_HOME']}/logs",
        )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _rows(home: Path, settings: Settings, clock: Clock) -> dict[str, int]:
    from sqlalchemy import func, select

    from cryptoelt.tables import TABLES
    from cryptoelt.warehouse.engine import open_warehouse
    from cryptoelt.warehouse.schema import model_of

    warehouse = open_warehouse(settings.model_copy(update={"home": home}), clock)
    try:
        with warehouse.engine.connect() as connection:
            names = dict.fromkeys(table.warehouse_table for table in TABLES.values())
            counts = {name: connection.scalar(select(func.count()).select_from(model_of(name))) for name in names}
    finally:
        warehouse.close()
    return {name: int(count or 0) for name, count in counts.items()}


def _try_next(home: Path) -> list[str]:
    prefix = f"CRYPTOELT_HOME={shlex.quote(str(home))} {program()}"
    query = (
        "select name, price_usd, market_cap_usd from dwh.fact_crypto_market join dwh.dim_crypto_id using (crypto_id)"
        " order by fact_crypto_market.snapshot_timestamp desc, cmc_rank limit 10"
    )
    return [
        f"{prefix} status",
        f"{prefix} plan --freq daily",
        f"{prefix} trace fact_crypto_market crypto_id=1",
        f"{prefix} backfill --rebuild --dry-run",
        f"{prefix} db shell -c {shlex.quote(query)}",
    ]


def demo_settings() -> Settings:
    """Return the settings of this home with the embedded warehouse, whatever else is configured."""
    return load_settings({"warehouse": {"url": "embedded"}})
