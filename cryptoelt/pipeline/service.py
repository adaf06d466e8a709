"""The window that a run serves: found before it begins, served as far as it lacks something, recorded at the end."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoelt.clock import iso
from cryptoelt.errors import ExitCode, StorageError
from cryptoelt.frequencies import INIT
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.init_window import InitWindow
from cryptoelt.pipeline.windows import WindowLog, lacking_endpoints, next_window, open_window
from cryptoelt.results import error_as_json

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.frequencies import Window
    from cryptoelt.pipeline.jobs import Job
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.results import Result

log = logging.getLogger("cryptoelt.pipeline")

#: Codes of a run that has done all its window asked for; what a check then finds is not mended by doing it again.
_COMPLETE = (ExitCode.DONE, ExitCode.QUALITY)


@dataclass(frozen=True)
class Due:
    """The window that is due, or why none is."""

    window: Window | None
    reason: str = ""

    def seconds_left(self, now: datetime) -> float:
        """Return for how long the window stays open."""
        end = None if self.window is None else self.window.end
        return 0.0 if end is None else max(0.0, (end - now).total_seconds())


def find_due(runtime: Runtime, frequency: str) -> Due:
    """Return the open window of a frequency that is not done; looks at the clock and one journal, no more.

    Raises:
        UsageError: the frequency has no windows.
        StorageError: the journal cannot be read.
    """
    now = runtime.clock.now()
    window = open_window(runtime.settings, frequency, now)
    if window is None:
        following = next_window(frequency, now)
        opens = "" if following is None else f"; the next opens at {iso(following.start)}"
        return Due(None, f"no window of {frequency} is open{opens}")
    windows = WindowLog(RunJournal(runtime.settings.metadata_dir), runtime.settings.warehouse.place)
    if windows.is_done(window, now):
        return Due(None, f"the window of {iso(window.start)} is done")
    return Due(window)


@dataclass(frozen=True)
class Service:
    """What one run does for its window.

    Attributes:
        window: the window; None for a run by hand.
        endpoints: whom to ask: of a window only those that it lacks.
        reason: why nothing is to be done after all.
    """

    runtime: Runtime
    job: Job
    window: Window | None
    endpoints: list[str]
    reason: str = ""

    @classmethod
    def begin(cls, runtime: Runtime, job: Job) -> Service:
        """Look again, now that nobody else works in this home.

        Raises:
            StorageError: Bronze, a journal or the note of an init cannot be read or written.
        """
        window: Window | None = None
        if job.due and job.frequency is not None:
            due = find_due(runtime, job.frequency)
            if due.window is None:
                return cls(runtime, job, None, [], due.reason)
            window = due.window
        elif job.frequency == INIT and job.endpoints:
            runtime.settings.require_key()
            window = InitWindow(runtime.settings.metadata_dir).begin(runtime.clock.now())
        if window is None:
            return cls(runtime, job, None, job.endpoints)
        return cls(runtime, job, window, lacking_endpoints(runtime.bronze_now, window))

    def end(self, result: Result) -> None:
        """Record the run; what is complete is not looked at again.

        A journal that cannot be written costs the next run a second look, so it is only told.
        """
        try:
            is_answered = result.ended_by is None and self._is_answered(result)
            is_complete = is_answered and self.job.is_run and result.exit_code in _COMPLETE
            if self.window is not None and self.window.frequency == INIT and is_complete:
                InitWindow(self.runtime.settings.metadata_dir).finish(self.window, result.ended_at)
            RunJournal(self.runtime.settings.metadata_dir).append(
                result.started_at,
                {
                    "run_id": result.run_id,
                    "frequency": result.frequency,
                    "window_start": None if self.window is None else iso(self.window.start),
                    "is_due": self.job.due,
                    "started_at": iso(result.started_at),
                    "ended_at": iso(result.ended_at),
                    "status": result.status.value,
                    "exit_code": int(result.exit_code),
                    "error": None if result.error is None else error_as_json(result.error),
                    "credits": result.credits.charged,
                    "postponed": result.postponed,
                    "is_answered": is_answered,
                    "is_complete": is_complete,
                    "warehouse": self.runtime.settings.warehouse.place,
                },
            )
        except StorageError as exc:
            log.warning("run.unrecorded", extra={"fields": {"message": exc.message}})
            result.notices.append(f"the run could not be recorded: {exc.message}")

    def _is_answered(self, result: Result) -> bool:
        """Tell whether Bronze has all that the window asks for, but for what was postponed as a whole on purpose.

        A scan that was postponed in part says in Bronze whom it left out; whoever it then lacks was to be asked.
        """
        if self.window is None:
            return True
        excused = {unit.name for unit in result.units if unit.postponed and not unit.planned}
        return excused.issuperset(lacking_endpoints(self.runtime.bronze_now, self.window))
