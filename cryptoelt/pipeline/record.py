"""One run in the log and in the journal of runs: begun once and ended once, whatever way it ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from cryptoelt.errors import as_known
from cryptoelt.pipeline.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from cryptoelt.errors import CryptoEltError
    from cryptoelt.frequencies import Window
    from cryptoelt.pipeline.jobs import Job
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.results import Result

log = logging.getLogger("cryptoelt.pipeline")


class RunRecord:
    """Records a run; as a context, also one that ends by an error, foreseen or not.

    Attributes:
        service: what the run does for its window; until that is known, the window alone.
    """

    def __init__(
        self, runtime: Runtime, job: Job, window: Window | None, result_of: Callable[[CryptoEltError | None], Result]
    ) -> None:
        """Prepare the record; nothing is written.

        Args:
            runtime: of the run.
            job: what it was asked for.
            window: the window it was begun for; None for a run by hand.
            result_of: says what the run has done so far, given what ends it as a whole.
        """
        self.service = Service(runtime, job, window, job.endpoints)
        self._runtime = runtime
        self._job = job
        self._result_of = result_of
        self._has_begun = self._has_ended = False

    def __enter__(self) -> Self:
        self._runtime.clock.stop.last_words = lambda: self.end(self.result())
        return self

    def __exit__(self, _: type[BaseException] | None, exc: BaseException | None, __: TracebackType | None) -> None:
        stop = self._runtime.clock.stop
        try:
            if exc is not None:
                self.end(self._result_of(as_known(exc)))
        finally:
            stop.last_words = None
            stop.close_at(None)

    def begin(self) -> None:
        """Log that the run has begun."""
        self._has_begun = True
        fields = {"command": self._runtime.command, "frequency": self._job.frequency}
        log.info("run.started", extra={"fields": fields})

    def result(self) -> Result:
        """Return what the run has done so far."""
        return self._result_of(None)

    def end(self, result: Result) -> None:
        """Log that the run has ended, and journal it unless there was nothing to do for it; only once."""
        if self._has_ended:
            return
        self._has_ended = True
        if not self._has_begun:
            self.begin()
        if (self._job.is_run or self._job.due) and not result.reason:
            self.service.end(result)
        log.info("run.ended", extra={"fields": {"exit_code": int(result.exit_code), "status": result.status.value}})
