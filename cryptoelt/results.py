"""What a command did: units, their counts and errors, and the exit code they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.errors import (
    ApiUnavailableError,
    CryptoEltError,
    DatabaseUnavailableError,
    EndpointRefusedError,
    ExitCode,
    MissingInputError,
    StoppedError,
)

if TYPE_CHECKING:
    from datetime import datetime


#: Codes of a refusal, in the order in which they win; each stops further calls.
_REFUSALS = (ExitCode.BUDGET, ExitCode.LOCKED, ExitCode.CONFIGURATION, ExitCode.SCHEMA)
#: Commands whose JSON has units, also when they could not begin.
_WITH_UNITS = ("run", "extract", "transform", "load", "backfill")
_PLAIN = (str, int, float, bool, type(None))


class Status(StrEnum):
    """How a unit, or a whole command, ended."""

    DONE = "done"
    NOTHING = "nothing"
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"


class Phase(StrEnum):
    """The part of a run a unit belongs to."""

    EXTRACT = "extract"
    TRANSFORM = "transform"
    LOAD = "load"
    SQL = "sql"
    QUALITY = "quality"


@dataclass
class Unit:
    """One endpoint extracted, or one table transformed or loaded."""

    phase: Phase
    name: str
    status: Status = Status.NOTHING
    snapshots: list[datetime] = field(default_factory=list)
    seconds: float = 0.0
    rows_in: int = 0
    rows_loaded: int = 0
    rows_present: int = 0
    rows_quarantined: int = 0
    postponed: int = 0
    """Ids that were left for another day, to keep credits for what cannot wait."""
    notices: list[str] = field(default_factory=list)
    """What the reader should know although nothing failed."""
    kept: list[datetime] = field(default_factory=list)
    """Snapshots that a rebuild left as they are, because Bronze no longer holds them."""
    planned: int = 0
    """Credits its calls were expected to cost, at most."""
    charged: int = 0
    """Credits its calls have cost."""
    steps: tuple[int, int] | None = None
    """Of a unit of many calls, how many are done, and of how many; for whoever watches."""
    error: CryptoEltError | None = None

    def failed(self, error: CryptoEltError) -> None:
        """Record the error; units that did some of their work are partial."""
        self.error = error
        is_rest_only = isinstance(error, EndpointRefusedError) and self.snapshots
        if error.exit_code in _REFUSALS and not is_rest_only:
            self.status = Status.REFUSED
        else:
            self.status = Status.PARTIAL if self.snapshots else Status.FAILED

    def as_json(self) -> dict[str, Any]:
        """Return the unit in the shape of `--json`."""
        return {
            "phase": self.phase.value,
            "name": self.name,
            "status": self.status.value,
            "snapshots": [iso(moment) for moment in self.snapshots],
            "seconds": round(self.seconds, 3),
            "rows_in": self.rows_in,
            "rows_loaded": self.rows_loaded,
            "rows_present": self.rows_present,
            "rows_quarantined": self.rows_quarantined,
            "postponed": self.postponed,
            "credits": {"planned": self.planned, "charged": self.charged},
            "kept": [iso(moment) for moment in self.kept],
            "error": None if self.error is None else error_as_json(self.error),
        }


@dataclass
class Credits:
    """Credits a command planned and was charged."""

    planned: int = 0
    charged: int = 0


@dataclass
class Result:
    """What one invocation did."""

    run_id: str
    command: str
    frequency: str | None
    started_at: datetime
    ended_at: datetime
    seconds: float
    units: list[Unit]
    credits: Credits = field(default_factory=Credits)
    stopped_by: ExitCode | None = None
    notices: list[str] = field(default_factory=list)
    window_start: datetime | None = None
    reason: str = ""
    """Why there was nothing to do, where that is no matter of the units."""

    is_due: bool = False
    """Whether it was asked for only as far as its window lacked something."""

    ended_by: CryptoEltError | None = None
    """What ended it as a whole, beside or before any unit."""

    @property
    def is_quiet(self) -> bool:
        """Tell whether a crontab line that fires several times a window should be silent about it."""
        return self.is_due and self.status is Status.NOTHING and not self.postponed

    @property
    def postponed(self) -> dict[str, int]:
        """Endpoint -> ids left for another day, to keep credits for what cannot wait."""
        return {unit.name: unit.postponed for unit in self.units if unit.postponed}

    @property
    def exit_code(self) -> ExitCode:
        """The exit code where several apply: 5, 6, 7, 9, database 8, partial 3, quality 4, then 8 or 1."""
        if self.stopped_by is not None:
            return self.stopped_by
        return exit_code_of(self.units) if self.ended_by is None else self.ended_by.exit_code

    @property
    def error(self) -> CryptoEltError | None:
        """What the exit code speaks of: the signal, else the first error of that code, else the first of all."""
        if self.stopped_by is not None:
            name = "SIGINT" if self.stopped_by is ExitCode.INTERRUPTED else "SIGTERM"
            return StoppedError(
                f"stopped by {name} after the unit at work",
                hint="run it again: what is done is kept, the rest is done then",
                exit_code=self.stopped_by,
            )
        if self.ended_by is not None:
            return self.ended_by
        errors = [unit.error for unit in self.units if unit.error is not None]
        return next((error for error in errors if error.exit_code is self.exit_code), next(iter(errors), None))

    @property
    def status(self) -> Status:
        """The whole command's status."""
        match self.exit_code:
            case ExitCode.DONE:
                return Status.DONE if any(unit.status is Status.DONE for unit in self.units) else Status.NOTHING
            case ExitCode.BUDGET | ExitCode.LOCKED | ExitCode.CONFIGURATION | ExitCode.SCHEMA:
                return Status.REFUSED
            case ExitCode.FAILED:
                return Status.FAILED
            case _:
                succeeded = any(unit.status in {Status.DONE, Status.PARTIAL} for unit in self.units)
                return Status.PARTIAL if succeeded else Status.FAILED

    def as_json(self) -> dict[str, Any]:
        """Return the result in the shape of `--json`."""
        return {
            "schema_version": 1,
            "run_id": self.run_id,
            "command": self.command,
            "frequency": self.frequency,
            "window_start": None if self.window_start is None else iso(self.window_start),
            "status": self.status.value,
            "exit_code": int(self.exit_code),
            "error": None if self.error is None else error_as_json(self.error),
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "seconds": round(self.seconds, 3),
            "credits": {"planned": self.credits.planned, "charged": self.credits.charged},
            "units": [unit.as_json() for unit in self.units],
            "notices": self.notices,
            "reason": self.reason,
        }


def error_as_json(error: CryptoEltError) -> dict[str, Any]:
    """Return an error in the shape of `--json`: the same keys for all of them."""
    return {
        "type": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": int(error.exit_code),
        "context": _plain(error.context),
    }


def _plain(value: object) -> Any:
    """Return a value as JSON can hold it."""
    match value:
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value if isinstance(value, _PLAIN) else str(value)


def refusal_as_json(error: CryptoEltError, command: str) -> dict[str, Any]:
    """Return what `--json` says of a command that an error ended as a whole, before or without any unit."""
    refused = error.exit_code in {*_REFUSALS, ExitCode.USAGE}
    shown = {
        "schema_version": 1,
        "command": command,
        "status": (Status.REFUSED if refused else Status.FAILED).value,
        "exit_code": int(error.exit_code),
        "error": error_as_json(error),
    }
    if command not in _WITH_UNITS:
        return shown
    unknown = dict.fromkeys(("run_id", "frequency", "window_start", "started_at", "ended_at", "seconds"))
    return {**shown, **unknown, "credits": {"planned": 0, "charged": 0}, "units": [], "notices": [], "reason": ""}


def report_as_json(command: str, body: dict[str, Any], error: CryptoEltError | None = None) -> dict[str, Any]:
    """Return what `--json` says of a command that reports: the same first keys for all of them, then its own.

    Args:
        command: the command with its group, e.g. `db init`.
        body: what it found.
        error: what it ends with, where what it found is no good.
    """
    code = ExitCode.DONE if error is None else error.exit_code
    head = {"schema_version": 1, "command": command, "exit_code": int(code)}
    return {**head, "error": None if error is None else error_as_json(error), **body}


def exit_code_of(units: list[Unit]) -> ExitCode:
    """Return the exit code that a list of ended units adds up to."""
    errors = [unit.error for unit in units if unit.error is not None]
    refusals = [error for error in errors if not isinstance(error, EndpointRefusedError) or _is_all_refused(units)]
    for code in _REFUSALS:
        if any(error.exit_code is code for error in refusals):
            return code
    if any(isinstance(error, DatabaseUnavailableError) for error in errors):
        return ExitCode.UNAVAILABLE
    work = [unit for unit in units if unit.phase not in {Phase.SQL, Phase.QUALITY}]
    succeeded = any(unit.status in {Status.DONE, Status.PARTIAL} for unit in work)
    failures = [error for error in errors if error.exit_code is not ExitCode.QUALITY]
    if failures and succeeded:
        return ExitCode.PARTIAL
    if len(failures) < len(errors):
        return ExitCode.QUALITY
    if failures and all(error.exit_code is ExitCode.USAGE for error in failures):
        return ExitCode.USAGE
    if failures:
        # Who has nobody to ask for, because the list of them could not be had, fails for the same cause.
        causes = [error for error in failures if not isinstance(error, MissingInputError)]
        unreachable = bool(causes) and all(isinstance(error, ApiUnavailableError) for error in causes)
        return ExitCode.UNAVAILABLE if unreachable else ExitCode.FAILED
    return ExitCode.DONE


def _is_all_refused(units: list[Unit]) -> bool:
    """Tell whether every endpoint that was asked was refused as such; who then had nobody to ask for counts with them.

    That calls for a person; one endpoint among others leaves its run partial.
    """
    asked = [unit for unit in units if unit.phase is Phase.EXTRACT and unit.status is not Status.NOTHING]
    causes = [unit for unit in asked if not isinstance(unit.error, MissingInputError)]
    return all(isinstance(unit.error, EndpointRefusedError) and not unit.snapshots for unit in causes)
