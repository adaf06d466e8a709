"""A home whose time is simulated: what cron would start is started here, at the moment it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from cryptoelt.api.catalogue import KEY_INFO
from cryptoelt.clock import Clock, parse_iso
from cryptoelt.frequencies import FREQUENCIES, endpoints_of
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.store import open_store
from cryptoelt.pipeline.jobs import Job, run_job
from cryptoelt.pipeline.run import Pipeline
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.settings import ApiSettings, BudgetSettings, Settings, WarehouseSettings

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.results import Result
    from cryptoelt.sandbox.server import SandboxServer
    from cryptoelt.spark import SparkHost

_UNLIMITED = 1_000_000


class SimulatedClock(Clock):
    """Stands still but for its sleeps."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> None:
        assert seconds == 0, f"a simulated run would wait {seconds} s"


@dataclass
class SharedRuntime(Runtime):
    """A runtime with the one SparkSession of the tests, which outlives it."""

    host: SparkHost | None = None

    @property
    def spark(self) -> SparkHost:
        """The session that all tests share; no cached property, which would be stopped with the run."""
        assert self.host is not None, "this run needs no Spark"
        return self.host


@dataclass
class SimulatedHome:
    """One home and its sandbox, both at the same simulated moment."""

    sandbox: SandboxServer
    settings: Settings
    host: SparkHost | None = None
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(datetime(2026, 11, 23, 8, tzinfo=UTC)))

    @classmethod
    def make(
        cls,
        folder: Path,
        sandbox: SandboxServer,
        *,
        warehouse: SecretStr | None = None,
        host: SparkHost | None = None,
        budget: BudgetSettings | None = None,
    ) -> SimulatedHome:
        """Make a home that asks this sandbox, whose time stands still, without waiting for minutes."""
        api = ApiSettings(
            base_url=sandbox.base_url, key=SecretStr("simulated"), max_wait=0, requests_per_minute=_UNLIMITED
        )
        place = WarehouseSettings() if warehouse is None else WarehouseSettings(url=warehouse)
        settings = Settings(
            home=folder, api=api, warehouse=place, budget=budget or BudgetSettings(monthly_credits=_UNLIMITED)
        )
        return cls(sandbox, settings, host)

    @property
    def bronze(self) -> Bronze:
        """The raw snapshots."""
        return Bronze(open_store(self.settings.lake_root))

    def at(self, moment: str | datetime) -> SimulatedHome:
        """Make it this moment, here and in the market."""
        self.clock.moment = parse_iso(moment) if isinstance(moment, str) else moment
        self.sandbox.set_time(self.clock.moment)
        return self

    def run(self, frequency: str, *, due: bool = True) -> Result:
        """Run a frequency, all three phases."""
        return self.do(run_job(frequency, due=due))

    def extract(self, frequency: str, *, due: bool = True) -> Result:
        """Run the extract phase of a frequency; a window is then never done, only answered."""
        return self.do(Job(frequency, endpoints=endpoints_of(frequency), due=due))

    def do(self, job: Job) -> Result:
        """Run a job."""
        return Pipeline(SharedRuntime(self.settings, "run", self.clock, host=self.host)).run(job)

    def asked(self) -> list[str]:
        """Return the endpoints that were asked so far, one entry a call; key/info, which costs nothing, left out."""
        return [entry["endpoint"] for entry in self.sandbox.served() if entry["endpoint"] != KEY_INFO.name]

    def asked_key_info(self) -> int:
        """Return how often key/info was asked so far."""
        return sum(entry["endpoint"] == KEY_INFO.name for entry in self.sandbox.served())

    def served(self, endpoint: str) -> list[dict[str, Any]]:
        """Return the good answers of an endpoint so far."""
        return [e for e in self.sandbox.served() if e["endpoint"] == endpoint and e["error_code"] == 0]


def firings(frequency: str, start: datetime, end: datetime) -> list[datetime]:
    """Return when the windows of a frequency open; that is when its crontab line fires first."""
    return [window.start for window in FREQUENCIES[frequency].windows(start, end)]
