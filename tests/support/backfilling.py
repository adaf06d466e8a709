"""Homes that share one fortnight of Bronze, and what is done with them: ordinary runs, backfills, replays."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from cryptoelt.clock import Clock
from cryptoelt.frequencies import FREQUENCIES
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.silver import SilverTable, rejected_uri
from cryptoelt.lake.store import open_store
from cryptoelt.metadata.jsonl import read_lines
from cryptoelt.pipeline.backfill import Backfill
from cryptoelt.pipeline.jobs import Job, backfill_order
from cryptoelt.pipeline.replay import Replay, ReplayReport, Selection
from cryptoelt.pipeline.run import Pipeline
from cryptoelt.results import Phase, Status
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import Settings, WarehouseSettings
from cryptoelt.tables import TABLES
from cryptoelt.transform.pending import silver_uri
from cryptoelt.warehouse.engine import Warehouse
from tests.support.schedule import SharedRuntime, SimulatedHome, firings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from cryptoelt.lake.bronze import BronzeSnapshot
    from cryptoelt.results import Result, Unit
    from cryptoelt.spark import SparkHost

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
END = MONDAY + timedelta(days=14)
#: Days on which the home was up: the first four, and two after the second Monday.
_DAYS = {MONDAY.date() + timedelta(days=day) for day in (0, 1, 2, 3, 7, 9)}
#: Day of the month -> the answer of that day that holds what must be rejected.
_SPOILT = {
    24: "nan_token@cryptocurrency/listings/latest*1",
    25: "conflicting_duplicate@cryptocurrency/categories*1",
    26: "conflicting_duplicate@cryptocurrency/map*1",
    30: "nul_in_text@exchange/map*1",
}
Row = dict[str, Any]


def fetch_fortnight(folder: Path) -> Path:
    """Fetch some days of two weeks, each frequency once a day, with spoilt records; return the folder of Bronze."""
    with (
        pytest.MonkeyPatch.context() as patched,
        SandboxServer(
            seed=23, world="small-churn", start_time=START, speed=0, minute_limit=10**6, monthly_credits=10**6
        ) as sandbox,
    ):
        patched.setattr(os, "fsync", lambda _: None)
        home = SimulatedHome.make(folder, sandbox)
        home.at(START).extract("init", due=False)
        times: dict[tuple[date, str], datetime] = {}
        for name, frequency in FREQUENCIES.items():
            fired = firings(name, MONDAY, END) if frequency.times else ()
            for moment in (moment for moment in fired if moment.date() in _DAYS):
                times.setdefault((moment.date(), name), moment)
        spoilt = dict(_SPOILT)
        for (day, name), moment in sorted(times.items(), key=lambda item: item[1]):
            if day.day in spoilt:
                sandbox.add_fault(spoilt.pop(day.day))
            result = home.at(moment).extract(name)
            assert result.exit_code == 0, (moment, name, result.error)
    return folder / "lake" / "bronze"


def units(result: Result, phase: Phase) -> dict[str, Unit]:
    """Return the units of a phase that did something, by name."""
    return {unit.name: unit for unit in result.units if unit.phase is phase and unit.status is not Status.NOTHING}


@dataclass
class BackfilledHome:
    """A home without a sandbox: what it holds comes from Bronze alone."""

    settings: Settings
    host: SparkHost

    @classmethod
    def make(cls, folder: Path, url: SecretStr, host: SparkHost) -> BackfilledHome:
        """Make a home whose Bronze is empty."""
        folder.mkdir()
        return cls(Settings(home=folder, warehouse=WarehouseSettings(url=url)), host)

    def take(self, bronze: Path, until: datetime = END) -> BackfilledHome:
        """Copy what was fetched before a moment into Bronze, as far as it is not there."""
        source = Bronze(open_store(str(bronze.parent)))
        for endpoint in {table.endpoint for table in TABLES.values()}:
            for file in source.files(endpoint):
                target = self.settings.home / "lake" / file.path
                if file.snapshot < until and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(bronze.parent / file.path, target)
        return self

    @property
    def bronze(self) -> Bronze:
        return Bronze(open_store(self.settings.lake_root))

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings.warehouse.url, Clock())

    def snapshots(self, table: str) -> list[BronzeSnapshot]:
        """Return the Bronze snapshots of a table."""
        return self.bronze.snapshots(TABLES[table].endpoint)

    def path(self, source: BronzeSnapshot) -> Path:
        """Return the one file of a snapshot."""
        (file,) = source.files
        return Path(self.bronze.location(file))

    def _runtime(self, command: str) -> SharedRuntime:
        return SharedRuntime(self.settings, command, Clock(), host=self.host)

    def transform_and_load(self, *tables: str) -> Result:
        """Do what an ordinary run does after it has asked."""
        chosen = list(tables or TABLES)
        return Pipeline(self._runtime("run")).run(Job(transform=chosen, load=chosen))

    def backfill(self, *tables: str, start: str | None = None, end: str | None = None, rebuild: bool = False) -> Result:
        """Run a backfill."""
        order = backfill_order(start, end, list(tables), rebuild=rebuild)
        return Backfill(self._runtime("backfill")).backfill(order)

    def replay(self, selection: Selection | None = None) -> ReplayReport:
        """Run a replay."""
        return Replay(self._runtime("quarantine replay")).replay(selection or Selection())

    def silver(self, table: str) -> SilverTable:
        return SilverTable(silver_uri(self.settings.lake_root, table))

    def silver_rows(self, table: str) -> list[Row]:
        """Return all rows of a Silver table."""
        return pa.Table.from_batches(list(self.silver(table).read())).to_pylist()

    def rejected(self, table: str) -> list[Row]:
        """Return the rejected records of a table."""
        found = SilverTable(rejected_uri(silver_uri(self.settings.lake_root, table)))
        batches = list(found.read()) if found.exists else []
        return pa.Table.from_batches(batches).to_pylist() if batches else []

    def journal(self, name: str) -> list[Row]:
        """Return the lines of a journal below metadata/."""
        return list(read_lines(self.settings.metadata_dir / f"{name}.jsonl"))

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.warehouse.session() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def execute(self, statement: str) -> None:
        """Run a statement and commit."""
        with self.warehouse.session() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            connection.commit()
