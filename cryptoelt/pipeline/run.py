"""Runs the phases of a command: under one lock, one unit at a time, fail-soft, and never silent."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cryptoelt.errors import (
    STOPS_THE_RUN,
    CryptoEltError,
    DatabaseUnavailableError,
    LockedError,
    StoppedError,
    WindowClosedError,
    as_known,
)
from cryptoelt.pipeline.extraction import Extraction
from cryptoelt.pipeline.patience import result_of
from cryptoelt.pipeline.progress import Progress, Silent
from cryptoelt.pipeline.record import RunRecord
from cryptoelt.pipeline.service import Service, find_due
from cryptoelt.results import Credits, Phase, Result, Status, Unit
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Future
    from datetime import datetime

    from cryptoelt.frequencies import Window
    from cryptoelt.load.base import BaseLoader
    from cryptoelt.pipeline.jobs import Job
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.transform.base import BaseTransformer
    from cryptoelt.transform.pending import Pending

log = logging.getLogger("cryptoelt.pipeline")

#: Seconds before its window closes in which a run no longer waits for others: it shall say who kept it waiting.
_TO_SAY_SO = 1.0


class Pipeline:
    """Runs one job with the parts of one runtime."""

    def __init__(self, runtime: Runtime, progress: Progress | None = None) -> None:
        self._runtime = runtime
        self._progress = progress or Silent()
        self._units: list[Unit] = []
        self._database_error: CryptoEltError | None = None
        self._wait_until = 0.0

    def run(self, job: Job, wait: float = 0.0) -> Result:
        """Run a job to its end and say what became of every unit.

        A job that is due ends itself when its window closes. Whatever way a run ends, it is logged and journalled.

        Args:
            job: what to do.
            wait: seconds to wait, in all, for others to free the home and the warehouse; a job that is due waits as
                long as its window is open, unless another one waits already.

        Raises:
            CryptoEltError: the job could not begin: it is locked out, not configured, or refused as a whole.
        """
        runtime = self._runtime
        started, began = runtime.clock.now(), runtime.clock.monotonic()
        due = find_due(runtime, job.frequency) if job.due and job.frequency is not None else None
        window = None if due is None else due.window
        if due is not None and window is None:
            return self._result(job, started, began, reason=due.reason)
        if due is not None:
            left = due.seconds_left(started)
            runtime.clock.stop.close_at(began + left)
            wait = max(0.0, left - _TO_SAY_SO)
        self._wait_until = began + wait

        def ended_by(error: CryptoEltError | None) -> Result:
            return self._result(job, started, began, window=record.service.window, ended_by=error)

        with RunRecord(runtime, job, window, ended_by) as record, ExitStack() as stack:
            if not self._enter(record, stack, wait, due=job.frequency if job.due else None):
                reason = f"another firing of {job.frequency} waits already"
                return self._result(job, started, began, window=window, reason=reason)
            stack.callback(runtime.close)  # before the lock is freed: the JVM must not outlive it
            served = record.service = Service.begin(runtime, job)
            if not served.reason:
                self._run_phases(replace(job, endpoints=served.endpoints), served.window, stack)
            result = self._result(job, started, began, window=served.window, reason=served.reason)
            record.end(result)
        return result

    def _enter(self, record: RunRecord, stack: ExitStack, wait: float, *, due: str | None) -> bool:
        """Take the home for the run; of those of one frequency that are due only one waits, the others return False.

        Raises:
            LockedError: another run holds it for longer than `wait` seconds.
        """
        if due is None:
            record.begin()
            stack.enter_context(self._runtime.lock(wait))
            return True
        with suppress(LockedError):
            stack.enter_context(self._runtime.lock(0.0))
            record.begin()
            return True
        with ExitStack() as line:
            try:
                line.enter_context(self._runtime.place_in_line(due))
            except LockedError:
                return False
            record.begin()
            stack.enter_context(self._runtime.lock(wait))
        return True

    def _result(
        self,
        job: Job,
        started: datetime,
        began: float,
        *,
        window: Window | None = None,
        reason: str = "",
        ended_by: CryptoEltError | None = None,
    ) -> Result:
        runtime = self._runtime
        asked = any(unit.phase is Phase.EXTRACT for unit in self._units)
        return Result(
            run_id=runtime.run_id,
            command=runtime.command,
            frequency=job.frequency,
            started_at=started,
            ended_at=runtime.clock.now(),
            seconds=runtime.clock.monotonic() - began,
            units=self._units,
            credits=Credits(sum(unit.planned for unit in self._units), runtime.client.charged if asked else 0),
            stopped_by=runtime.clock.stop.exit_code if runtime.clock.stop.is_asked else None,
            notices=[
                *(runtime.client.price_drift if asked else ()),
                *(n for unit in self._units for n in unit.notices),
            ],
            window_start=None if window is None else window.start,
            reason=reason,
            is_due=job.due,
            ended_by=ended_by,
        )

    def _run_phases(self, job: Job, window: Window | None, stack: ExitStack) -> None:
        if job.endpoints:
            self._runtime.settings.require_key()
        if job.load and not job.due:  # somebody is there to mend what is wrong, before a credit is spent
            self._reach_database(stack)
        if job.endpoints and job.transform:
            error = self._start_spark()  # hides its start behind the calls
            if error is not None and not job.due:
                raise error
        if job.endpoints:
            self._extract(job.endpoints, window)
        self._transform_and_load(job, stack)

    # --- extract ------------------------------------------------------------------------------------------------------

    def _extract(self, endpoints: list[str], window: Window | None) -> None:
        """Ask every endpoint, until an error says that the next one would fare no better."""
        ends_it: CryptoEltError | None = None
        extraction: Extraction | None = None

        def ask(unit: Unit) -> None:
            nonlocal extraction
            extraction = extraction or Extraction.begin(self._runtime, endpoints, window)
            before = self._runtime.client.charged
            try:
                extraction.run(unit.name, unit)
            finally:
                unit.charged = self._runtime.client.charged - before

        for name in endpoints:
            unit = self._new_unit(Phase.EXTRACT, name)
            if ends_it is None:
                self._run_unit(unit, partial(ask, unit))
                ends_it = unit.error if extraction is None or isinstance(unit.error, STOPS_THE_RUN) else None

    # --- transform and load -------------------------------------------------------------------------------------------

    def _transform_and_load(self, job: Job, stack: ExitStack) -> None:
        """Build the tables in parallel; load each as soon as it is built, parents before children.

        What is wrong with the warehouse, and the wait for its lock, costs neither answers nor Silver anything.
        """
        work = self._tables_with_work(job.transform)
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="transform") as pool:
            futures = {table: pool.submit(self._transform, table) for table in work}
            if job.load and (job.due or self._database_error is not None):
                with suppress(StoppedError):  # then every load sees for itself that the run is to end
                    self._database_error = self._attempt(partial(self._open_database, stack))
            for table in dict.fromkeys([*job.transform, *job.load]):
                self._wait_for(table, futures, job)
                if table in job.load:
                    self._load(table, job)
        self._follow_up()
        self._tend(job.transform)

    def _follow_up(self, also: Collection[str] = ()) -> None:
        """Mend and check the tables that got something, and `also` these; without any, nothing is imported."""
        if also or any(unit.phase is Phase.LOAD and unit.snapshots for unit in self._units):
            from cryptoelt.pipeline.after_load import steps_after_load

            for unit, work in steps_after_load(self._runtime, self._units, also):
                self._units.append(unit)
                self._run_unit(unit, work)

    def _tend(self, tables: list[str]) -> None:
        """Keep the tables small for their readers, where that is due; after all else, for nobody waits for it."""
        if not tables:
            return
        from cryptoelt.lake.upkeep import tend
        from cryptoelt.transform.pending import silver_uri

        for table in tables:
            if not self._runtime.clock.stop.is_set():
                uri = silver_uri(self._runtime.settings.lake_root, table)
                error = self._attempt(partial(tend, uri, self._runtime.clock.now()))
                if error is not None:  # all that was asked for is done
                    log.error("upkeep.failed", exc_info=error, extra={"fields": {"table": table}})

    def _wait_for(self, table: str, futures: dict[str, Future[Unit]], job: Job) -> None:
        if table in futures:
            stop = self._runtime.clock.stop
            self._units.append(result_of(futures[table], stop, give_up=self._runtime.spark.kill))
        elif table in job.transform and not any(u.phase is Phase.TRANSFORM and u.name == table for u in self._units):
            self._new_unit(Phase.TRANSFORM, table)

    def _tables_with_work(self, tables: list[str]) -> list[str]:
        """Return the tables with pending snapshots; only these need a JVM."""
        work = [table for table in tables if self._has_work(table)]
        error = self._start_spark() if work else None
        if error is not None:
            for table in work:
                self._new_unit(Phase.TRANSFORM, table).failed(error)
            return []
        if work:
            self._runtime.spark.wait_for_imports()
        return work

    def _has_work(self, table: str) -> bool:
        """Tell whether a table has pending snapshots; one that cannot be looked at fails here, alone."""
        from cryptoelt.transform.pending import find_pending

        runtime, settings = self._runtime, self._runtime.settings
        now = runtime.clock.now()
        found: list[Pending] = []
        error = self._attempt(
            lambda: found.append(find_pending(table, runtime.bronze, settings.lake_root, settings.metadata_dir, now))
        )
        if error is not None:
            self._new_unit(Phase.TRANSFORM, table).failed(error)
        return error is None and bool(found[0].snapshots)

    def _start_spark(self) -> CryptoEltError | None:
        """Begin to start the JVM; return why it cannot be."""
        return self._attempt(lambda: self._runtime.spark.start())

    def _transform(self, table: str) -> Unit:
        unit = Unit(Phase.TRANSFORM, table)
        self._run_unit(unit, lambda: self._transformer(table).transform_table(table, unit))
        return unit

    def _transformer(self, table: str) -> BaseTransformer:
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
        return transformers()[TABLES[table].domain](context)

    def _load(self, table: str, job: Job) -> None:
        unit = self._new_unit(Phase.LOAD, table)
        if self._database_error is not None:
            unit.failed(self._database_error)
            self._progress.ended(unit)
            return
        version, replaces = job.version, job.replace
        self._run_unit(unit, lambda: self._loader(table).load_table(table, unit, version=version, replace=replaces))

    def _loader(self, table: str) -> BaseLoader:
        from cryptoelt.load import loaders

        runtime, settings = self._runtime, self._runtime.settings
        made = loaders()[TABLES[table].domain]
        return made(runtime.warehouse, settings.lake_root, runtime.clock, runtime.run_id, settings.metadata_dir)

    def _reach_database(self, stack: ExitStack) -> None:
        """Open the warehouse for a run by hand; one that does not answer is tried again before the load.

        Raises:
            CryptoEltError: it is there, but cannot be loaded: another schema, another run, no credentials.
        """
        try:
            self._open_database(stack)
        except DatabaseUnavailableError as exc:
            self._database_error = exc
            log.warning("database.unavailable", extra={"fields": {"message": exc.message}})

    def _open_database(self, stack: ExitStack) -> None:
        """Open the warehouse, look at its schema, take its lock.

        Raises:
            DatabaseUnavailableError: it does not answer.
            SchemaError: it is not at the head revision.
            LockedError: another run, perhaps on another machine, is writing to it.
        """
        from cryptoelt.warehouse.migrations import prepare

        warehouse = self._runtime.warehouse
        prepare(warehouse, may_upgrade=self._runtime.settings.warehouse.is_embedded)
        left = self._wait_until - self._runtime.clock.monotonic()
        stack.enter_context(warehouse.run_lock(max(0.0, left)))

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
            error = self._attempt(work)
        except WindowClosedError as exc:
            unit.failed(exc)
        except StoppedError:
            unit.status = Status.PARTIAL if unit.snapshots else Status.NOTHING
        else:
            if error is not None:
                unit.failed(error)
                fields = {"phase": unit.phase.value, "unit": unit.name, "error": type(error).__name__, **error.context}
                log.error("unit.failed", exc_info=error, extra={"fields": {**fields, "message": error.message}})
        finally:
            unit.seconds = clock.monotonic() - began
            self._progress.ended(unit)

    def _attempt(self, work: Callable[[], object]) -> CryptoEltError | None:
        """Do some work; return the error it ended in, so that the rest of the run goes on.

        Raises:
            StoppedError: the run is to end.
        """
        try:
            work()
        except StoppedError:
            raise
        except CryptoEltError as exc:
            return exc
        except Exception as exc:  # noqa: BLE001 - what nobody foresaw in one unit must not cost the others anything
            return as_known(exc)
        return None
