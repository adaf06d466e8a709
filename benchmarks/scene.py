"""The scene of a benchmark: a home of its own, a sandbox in this process, the embedded PostgreSQL."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import requests

from benchmarks.process import Measured, measure
from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.frequencies import FREQUENCIES, endpoints_of
from cryptoelt.machine.cds import archive_path
from cryptoelt.machine.java import find_java
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import Settings
from cryptoelt.warehouse.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Left out of the environment of what is measured: settings of the user's own, and what would keep byte code unused.
_DROPPED = ("CRYPTOELT_", "CMC_API_KEY", "PYTHONDONTWRITEBYTECODE", "SPARK_", "PYSPARK_")
_WARM_UPS = 3
_HOUR = 3600
_PATIENCE = 120
#: No limit of the provider's is what is measured here.
_UNLIMITED = {"CRYPTOELT_BUDGET__MONTHLY_CREDITS": "1000000", "CRYPTOELT_API__REQUESTS_PER_MINUTE": "100000"}


@dataclass(frozen=True)
class Scene:
    """A home with everything that a run needs.

    Attributes:
        home: the home.
        cache: the machine's cache.
        sandbox: the API, in this process.
        environment: what a measured process is given.
    """

    home: Path
    cache: Path
    sandbox: SandboxServer
    environment: dict[str, str]

    def command(self, *words: str) -> list[str]:
        """Return the command line of `cryptoelt WORDS`."""
        return [sys.executable, "-m", "cryptoelt", *words]

    @property
    def server(self) -> EmbeddedPostgres:
        """The home's PostgreSQL."""
        return EmbeddedPostgres(self.home, self.cache)

    def prepare(self, frequency: str = "10x") -> None:
        """Run a few times, so that tables, warehouse, byte code and page cache are as on any other day."""
        for _ in range(_WARM_UPS):
            self.run(frequency)

    def run(self, frequency: str) -> Measured:
        """Measure `cryptoelt run` an hour later, against a market that has computed its answers already.

        Raises:
            RuntimeError: a unit of the run was not done.
        """
        self.sandbox.advance(_HOUR)
        for name in endpoints_of(frequency):
            endpoint = ENDPOINTS[name]
            headers = {"X-CMC_PRO_API_KEY": "warm-up"}  # a key of its own: what is measured has its limits for itself
            requests.get(self.sandbox.base_url + endpoint.path, endpoint.parameters, headers=headers, timeout=_PATIENCE)
        done = measure(self.command("run", "--freq", frequency, "--json"), self.environment, apart=self.postmaster)
        fine = {"done"} if FREQUENCIES[frequency].is_perishable else {"done", "nothing"}
        if any(unit["status"] not in fine for unit in json.loads(done.output)["units"]):
            raise RuntimeError(f"a unit of the run was not done: {done.output}")
        return done

    def postmaster(self) -> int | None:
        """Return the process id of the home's PostgreSQL, None while it does not run."""
        try:
            return int((self.home / ".postgres" / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        except (OSError, ValueError, IndexError):
            return None


@contextmanager
def scene() -> Iterator[Scene]:
    """Make a home with a sandbox of full size; everything is stopped and deleted at the end."""
    cache = Settings().cache_dir
    market = SandboxServer(seed=2026, speed=0, minute_limit=100_000, monthly_credits=1_000_000)
    with tempfile.TemporaryDirectory(prefix="cryptoelt-bench-") as folder, market as sandbox:
        home = Path(folder)
        environment = clean_environment() | sandbox.environment | _UNLIMITED
        environment |= {"CRYPTOELT_HOME": folder, "CRYPTOELT_MACHINE__CACHE": str(cache)}
        try:
            yield Scene(home, cache, sandbox, environment)
        finally:
            EmbeddedPostgres(home, cache).remove()


def clean_environment() -> dict[str, str]:
    """Return this environment without anything that configures cryptoelt or Spark."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}


def machine() -> str:
    """Describe the machine in one line, since figures of two machines do not compare."""
    cache = Settings().cache_dir
    memory = psutil.virtual_memory().total / 2**30
    archive = "class-data archive in place" if archive_path(cache) else "no class-data archive: run `cryptoelt setup`"
    parts = [
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GiB",
        platform.platform(aliased=True, terse=True),
        f"Python {platform.python_version()}",
        f"Java {find_java(cache).version}",
        archive,
        f"load {os.getloadavg()[0]:.1f} at the start",
    ]
    return ", ".join(parts)
