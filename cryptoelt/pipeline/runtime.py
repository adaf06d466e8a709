"""What one invocation works with: settings, clock, lock, and the parts, each made when first needed."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from cryptoelt.clock import Clock, iso
from cryptoelt.locks import file_lock
from cryptoelt.spark import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.api.client import CoinMarketCapClient
    from cryptoelt.api.ledger import CreditLedger
    from cryptoelt.lake.bronze import Bronze
    from cryptoelt.settings import Settings
    from cryptoelt.spark import SparkHost
    from cryptoelt.warehouse.engine import Warehouse

log = logging.getLogger("cryptoelt.pipeline")


def new_run_id(clock: Clock) -> str:
    """Return an identity for an invocation; ids sort by time."""
    return f"{clock.now():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


@dataclass
class Runtime:
    """The parts of one invocation."""

    settings: Settings
    command: str
    clock: Clock = field(default_factory=Clock)
    run_id: str = ""
    java_options: tuple[str, ...] = ()
    workload: Workload = Workload.SMALL
    """How much Spark will have to do; said before it starts."""

    def __post_init__(self) -> None:
        self.run_id = self.run_id or new_run_id(self.clock)

    @contextmanager
    def lock(self, wait: float) -> Iterator[None]:
        """Hold the home for extract, transform and load; nobody else spends or writes meanwhile.

        Raises:
            LockedError: another run holds it for longer than `wait` seconds.
        """
        owner = {
            "pid": os.getpid(),
            "run_id": self.run_id,
            "command": self.command,
            "host": socket.gethostname(),
            "started_at": iso(self.clock.now()),
        }
        with file_lock(self.settings.home / ".lock", wait=wait, owner=owner, clock=self.clock):
            yield

    @contextmanager
    def place_in_line(self, frequency: str) -> Iterator[None]:
        """Hold the place of the one scheduled run of a frequency that waits for the home.

        The kernel frees it when this process dies. Each frequency has one, so that a window of one is not lost because
        another waits.

        Raises:
            LockedError: another one holds it.
        """
        with file_lock(self.settings.home / f".lock.waiting.{frequency}", wait=0.0, clock=self.clock):
            yield

    @cached_property
    def bronze(self) -> Bronze:
        """The raw snapshots."""
        from cryptoelt.lake.bronze import Bronze
        from cryptoelt.lake.store import open_store

        return Bronze(open_store(self.settings.lake_root))

    @property
    def bronze_now(self) -> Bronze:
        """The raw snapshots without those that lie in the future: what windows, prices and scans go by."""
        return self.bronze.as_of(self.clock.now())

    @cached_property
    def ledger(self) -> CreditLedger:
        """The credit ledger of the home."""
        from cryptoelt.api.ledger import CreditLedger

        return CreditLedger(self.settings.metadata_dir, self.settings.budget, self.clock)

    @cached_property
    def client(self) -> CoinMarketCapClient:
        """The API client.

        Raises:
            ConfigurationError: no key is set.
        """
        from cryptoelt.api.client import CoinMarketCapClient

        self.settings.require_key()
        return CoinMarketCapClient(self.settings, self.ledger, self.clock, run_id=self.run_id)

    @cached_property
    def spark(self) -> SparkHost:
        """The host of the one SparkSession; not started yet.

        Raises:
            ConfigurationError: the machine is not set up.
        """
        from cryptoelt.machine.cds import archive_path
        from cryptoelt.machine.jars import jar_paths
        from cryptoelt.spark import SparkHost, SparkSetup

        settings = self.settings
        setup = SparkSetup(
            master=settings.spark.master,
            jars=tuple(jar_paths(settings.cache_dir)),
            archive=archive_path(settings.cache_dir),
            scratch=settings.home / ".spark",
            log_file=settings.logs_dir / "spark.log",
            conf=settings.spark.conf,
            java_options=self.java_options,
        )
        return SparkHost(setup, self.workload, self.clock.stop)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse, reached.

        Raises:
            DatabaseUnavailableError: it does not answer.
        """
        from cryptoelt.warehouse.engine import open_warehouse

        return open_warehouse(self.settings, self.clock)

    def close(self) -> None:
        """End what this invocation started: the JVM and the database connections.

        What fails here is logged and changes nothing of what the invocation has done.
        """
        if "spark" in self.__dict__:
            with _told("spark.close_failed"):
                self.spark.stop()
        if "warehouse" in self.__dict__:
            with _told("warehouse.close_failed"):
                self.warehouse.close()


@contextmanager
def _told(event: str) -> Iterator[None]:
    try:
        yield
    except Exception:  # whatever it is, the result of the run is worth more
        log.exception(event)
