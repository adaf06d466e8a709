"""Runs the phases of a command: under one lock, one unit at a time, fail-soft, and never silent."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from cryptoelt.errors import (
    STOPS_THE_RUN,
    CryptoEltError,
    DatabaseUnavailableError,
    StoppedError,
)
from cryptoelt.pipeline.progress import Progress, Silent
from cryptoelt.results import Credits, Phase, Result, Status, Unit
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from cryptoelt.pipeline.runtime import Runtime

log = logging.getLogger("cryptoelt.pipeline")


@dataclass(frozen=True)
class Job:
    """What a command asks for.

    Attributes:
        endpoints: to extract, in order.
        transform: tables to build, parents first.
        load: tables to load, parents first.
        version: load this Delta version of each table instead of what is pending.
        replace: put that version's snapshots in place of the present ones.
    """

    frequency: str | None = None
    endpoints: list[str] = field(default_factory=list)
    transform: list[str] = field(default_factory=list)
    load: list[str] = field(default_factory=list)
    version: int | None = None
    replace: bool = False


class Pipeline:
    """Runs one job with the parts of one runtime."""

    def __init__(self, runtime: Runtime, progress: Progress | None = None) -> None:
        self._runtime = runtime
        self._progress = progress or Silent()
        self._units: list[Unit] = []
        self._database_error: CryptoEltError | None = None
        self._planned = 0
        self._wait_until = 0.0

    def run(self, job: Job, wait: float = 0.0) -> Result:
        """Run a job to its end and say what became of every unit.

        Args:
            job: what to do.
            wait: seconds to wait, in all, for others to free the home and the warehouse.

        Raises:
            CryptoEltError: the job could not begin: it is locked out, not configured, or refused as a whole.
        """
        runtime = self._runtime
        started, began = runtime.clock.now(), runtime.clock.monotonic()
        self._wait_until = began + wait
        log.info("run.started", extra={"fields": {"command": runtime.command, "frequency": job.frequency}})
        with ExitStack() as stack:
            stack.enter_context(runtime.lock(wait))
            stack.callback(runtime.close)  # before the lock is freed: the JVM must not outlive it
            self._run_phases(job, stack)
        result = Result(
            run_id=runtime.run_id,
            command=runtime.command,
            frequency=job.frequency,
            started_at=started,
            ended_at=runtime.clock.now(),
            seconds=runtime.clock.monotonic() - began,
            units=self._units,
            credits=Credits(self._planned, runtime.client.charged if job.endpoints else 0),
            stopped_by=runtime.clock.stop.exit_code if runtime.clock.stop.is_set() else None,
            notices=list(runtime.client.price_drift) if job.endpoints else [],
        )
        log.info("run.ended", extra={"fields": {"exit_code": int(result.exit_code), "status": result.status.value}})
        return result

    def _run_phases(self, job: Job, stack: ExitStack) -> None:
        if job.endpoints:
            self._runtime.settings.require_key()
        if job.load:
            self._reach_database(stack)
        if job.endpoints and job.transform:
            self._runtime.spark.start()  # hides its start behind the calls
        if job.endpoints:
            self._extract(job.endpoints)
        self._transform_and_load(job, stack)

    # --- extract ------------------------------------------------------------------------------------------------------

    def _extract(self, endpoints: list[str]) -> None:
        """Ask every endpoint, until an error says that the next one would fare no better."""
        self._planned = sum(self._price(name) for name in endpoints)
        ends_it: CryptoEltError | None = None
        extract: Callable[[str, Unit], None] | None = None
        for name in endpoints:
            unit = self._new_unit(Phase.EXTRACT, name)
            if ends_it is not None:
                continue
            try:
                extract = extract or self._extraction(endpoints)
            except CryptoEltError as exc:
                unit.failed(exc)
                ends_it = exc
            else:
                self._run_unit(unit, partial(extract, name, unit))
                ends_it = unit.error if isinstance(unit.error, STOPS_THE_RUN) else None

    def _extraction(self, endpoints: list[str]) -> Callable[[str, Unit], None]:
        """Make ready for extraction: settle what an earlier run left open, and fix the run's snapshot time.

        Raises:
            CryptoEltError: the key is refused, or the ledger or Bronze cannot be read.
        """
        from cryptoelt.api.governor import Governor
        from cryptoelt.api.reconcile import reconcile_if_open
        from cryptoelt.extract import extractors
        from cryptoelt.extract.base import ExtractContext

        runtime = self._runtime
        reconcile_if_open(runtime.client, runtime.ledger)
        snapshot = self._snapshot(endpoints)
        context = ExtractContext(
            runtime.client,
            runtime.bronze,
            runtime.clock,
            runtime.settings.metadata_dir,
            runtime.run_id,
            runtime.settings.extract,
            runtime.settings.budget,
            Governor(runtime.ledger),
        )
        classes = extractors()
        return lambda name, unit: classes[name](context).run(snapshot, unit)

    def _price(self, endpoint: str) -> int:
        from cryptoelt.api.catalogue import ENDPOINTS

        return self._runtime.settings.budget.prices.get(endpoint, ENDPOINTS[endpoint].price.of())

    def _snapshot(self, endpoints: list[str]) -> datetime:
        """Return the run's snapshot time: now, in whole seconds, above the last snapshot of every endpoint."""
        moment = self._runtime.clock.now().astimezone(UTC).replace(microsecond=0)
        last = [self._runtime.bronze.last_snapshot(name) for name in endpoints]
        return max([moment, *(before + timedelta(seconds=1) for before in last if before is not None)])

    # --- transform and load -------------------------------------------------------------------------------------------

    def _transform_and_load(self, job: Job, stack: ExitStack) -> None:
        """Build the tables in parallel; load each as soon as it is built, parents before children."""
        if job.load and self._database_error is not None:
            self._reach_database_again(stack)
        work = self._tables_with_work(job.transform)
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="transform") as pool:
            futures = {table: pool.submit(self._transform, table) for table in work}
            for table in dict.fromkeys([*job.transform, *job.load]):
                self._wait_for(table, futures, job)
                if table in job.load:
                    self._load(table, job)

    def _wait_for(self, table: str, futures: dict[str, Future[Unit]], job: Job) -> None:
        if table in futures:
            self._units.append(futures[table].result())
        elif table in job.transform and not any(u.phase is Phase.TRANSFORM and u.name == table for u in self._units):
            self._new_unit(Phase.TRANSFORM, table)

    def _tables_with_work(self, tables: list[str]) -> list[str]:
        """Return the tables with pending snapshots; only these need a JVM."""
        if not tables:
            return []
        from cryptoelt.transform.pending import find_pending

        runtime, work = self._runtime, []
        for table in tables:
            try:
                if find_pending(
                    table, runtime.bronze, runtime.settings.lake_root, runtime.settings.metadata_dir
                ).snapshots:
                    work.append(table)
            except CryptoEltError as exc:
                self._new_unit(Phase.TRANSFORM, table).failed(exc)
        if work:
            runtime.spark.start()
            runtime.spark.wait_for_imports()
        return work

    def _transform(self, table: str) -> Unit:
        from cryptoelt.transform import transformers
        from cryptoelt.transform.base import TransformContext

        runtime = self._runtime
        context = TransformContext(
            spark=lambda: runtime.spark.session,
            bronze=runtime.bronze,
            lake_root=runtime.settings.lake_root,
            clock=runtime.clock,
            metadata_dir=runtime.settings.metadata_dir,
            run_id=runtime.run_id,
        )
        transformer = transformers()[TABLES[table].domain](context)
        unit = Unit(Phase.TRANSFORM, table)
        self._run_unit(unit, lambda: transformer.transform_table(table, unit))
        return unit

    def _load(self, table: str, job: Job) -> None:
        unit = self._new_unit(Phase.LOAD, table)
        if self._database_error is not None:
            unit.failed(self._database_error)
            self._progress.ended(unit)
            return
        from cryptoelt.load import loaders

        runtime = self._runtime
        loader = loaders()[TABLES[table].domain](
            runtime.warehouse, runtime.settings.lake_root, runtime.clock, runtime.run_id, runtime.settings.metadata_dir
        )
        self._run_unit(unit, lambda: loader.load_table(table, unit, version=job.version, replace=job.replace))

    def _reach_database(self, stack: ExitStack) -> None:
        """Open the warehouse, look at its schema, take its lock; an unreachable one is tried again before the load.

        Raises:
            SchemaError: it is not at the head revision.
            LockedError: another run, perhaps on another machine, is writing to it.
        """
        from cryptoelt.warehouse.migrations import prepare

        self._database_error = None
        try:
            warehouse = self._runtime.warehouse
            prepare(warehouse, may_upgrade=self._runtime.settings.warehouse.is_embedded)
            left = self._wait_until - self._runtime.clock.monotonic()
            stack.enter_context(warehouse.run_lock(max(0.0, left)))
        except DatabaseUnavailableError as exc:
            self._database_error = exc
            log.warning("database.unavailable", extra={"fields": {"message": exc.message}})

    def _reach_database_again(self, stack: ExitStack) -> None:
        """Try once more, after the answers are safe in Bronze; what stands in the way now only stops the load."""
        try:
            self._reach_database(stack)
        except CryptoEltError as exc:
            self._database_error = exc

    # --- units --------------------------------------------------------------------------------------------------------

    def _new_unit(self, phase: Phase, name: str) -> Unit:
        unit = Unit(phase, name)
        self._units.append(unit)
        return unit

    def _run_unit(self, unit: Unit, work: Callable[[], None]) -> None:
        """Run one unit; its error is recorded with it, and the next unit goes on."""
        clock = self._runtime.clock
        began = clock.monotonic()
        self._progress.begun(unit)
        try:
            clock.stop.raise_if_set()
            work()
        except StoppedError:
            unit.status = Status.PARTIAL if unit.snapshots else Status.NOTHING
        except CryptoEltError as exc:
            unit.failed(exc)
            fields = {"phase": unit.phase.value, "unit": unit.name, "error": type(exc).__name__, **exc.context}
            log.exception("unit.failed", extra={"fields": {**fields, "message": exc.message}})
        finally:
            unit.seconds = clock.monotonic() - began
            self._progress.ended(unit)
