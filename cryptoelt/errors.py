"""One error tree, split by what the caller must do; the only place where an error meets an exit code.

Every error carries a `message` (what happened, to what), a `hint` (what to do next) and a `context` of plain values for
the log. The class decides the exit code. Errors are shown once, by `cryptoelt.cli.main`.
"""

from __future__ import annotations

import traceback
from enum import IntEnum
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)


class ExitCode(IntEnum):
    """What the process tells its caller.

    | code | meaning |
    |---|---|
    | 0 | done, or nothing to do |
    | 1 | failed |
    | 2 | wrong usage |
    | 3 | partial: some units done, some failed; running again resumes |
    | 4 | a quality check of severity error failed |
    | 5 | refused or stopped by the credit budget |
    | 6 | another run holds the lock |
    | 7 | configuration or credentials invalid |
    | 8 | the API or the database is unavailable after retries |
    | 9 | the warehouse schema is not at the head revision |
    | 130, 143 | ended by SIGINT, SIGTERM |
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    QUALITY = 4
    BUDGET = 5
    LOCKED = 6
    CONFIGURATION = 7
    UNAVAILABLE = 8
    SCHEMA = 9
    INTERRUPTED = 130
    TERMINATED = 143


class CryptoEltError(Exception):
    """Something failed; the base of every error that cryptoelt raises on purpose."""

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "", **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.context = context


class UsageError(CryptoEltError):
    """The command line asks for something that does not exist."""

    exit_code = ExitCode.USAGE


# --- stop everything: nothing can go on until a person acts -----------------------------------------------------------


class ConfigurationError(CryptoEltError):
    """A setting is missing, unknown or invalid, or the machine is not set up."""

    exit_code = ExitCode.CONFIGURATION


class CredentialsError(ConfigurationError):
    """The API refuses the key (error codes 1001 to 1005 and 1007), or there is none."""


class BudgetError(CryptoEltError):
    """A call would cross the monthly limit less the buffer, or the API says the credits are gone (1009, 1010)."""

    exit_code = ExitCode.BUDGET


class LockedError(CryptoEltError):
    """Another run holds the lock."""

    exit_code = ExitCode.LOCKED


class SchemaError(CryptoEltError):
    """The warehouse schema is not at the head revision."""

    exit_code = ExitCode.SCHEMA


# --- try again later: this unit failed, others go on ------------------------------------------------------------------


class ApiUnavailableError(CryptoEltError):
    """The API cannot be reached or does not answer sensibly after retries."""

    exit_code = ExitCode.UNAVAILABLE


class DatabaseUnavailableError(CryptoEltError):
    """The warehouse cannot be reached."""

    exit_code = ExitCode.UNAVAILABLE


# --- look at it: this unit failed and will fail again until something changes -----------------------------------------


class EndpointRefusedError(CryptoEltError):
    """One endpoint is refused, by the plan of the key (1006) or by something between here and the API.

    The others may be answered all the same; where nothing else was asked, a person must act.
    """

    exit_code = ExitCode.CONFIGURATION


class RequestRejectedError(CryptoEltError):
    """The API refuses the request itself (HTTP 400 or 404)."""


class AnswerError(CryptoEltError):
    """The API answered, but not in the shape it documents, or without rows where rows are certain."""


class UnusableAnswerError(AnswerError):
    """The API answered, but what it sent cannot be right; it is kept in Bronze, marked, and not built."""


class MissingInputError(CryptoEltError):
    """What this unit works from was never fetched."""


class StorageError(CryptoEltError):
    """A file of the lake, a journal or the ledger cannot be written or read."""


class DamagedFileError(StorageError):
    """A file of the lake is not readable as what it should be."""


class UnreadableFileError(DamagedFileError):
    """A file of the lake is there, but this user may not read it; it may be as good as ever."""


class TransformError(CryptoEltError):
    """Spark could not build or write a Silver table."""


class LoadError(CryptoEltError):
    """The warehouse refused a load."""


class QualityError(CryptoEltError):
    """A quality check of severity error found rows."""

    exit_code = ExitCode.QUALITY


class CheckError(CryptoEltError):
    """A quality check could not be run."""


class InternalError(CryptoEltError):
    """Something happened that cryptoelt did not foresee: a defect of its own."""


class StoppedError(CryptoEltError):
    """The run was asked to stop (SIGINT or SIGTERM) before this unit began."""

    def __init__(self, message: str, *, hint: str = "", exit_code: ExitCode = ExitCode.TERMINATED) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class WindowClosedError(StoppedError):
    """The window that the run served closed before all was done."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, exit_code=ExitCode.FAILED)


#: Errors after which no further call is made: a person, or time, must change something first.
STOPS_THE_RUN: tuple[type[CryptoEltError], ...] = (
    ConfigurationError,
    BudgetError,
    LockedError,
    SchemaError,
    StoppedError,
)


def as_known(exc: BaseException) -> CryptoEltError:
    """Return an exception as an error of ours; of one that nobody foresaw only where it was raised, never its text.

    The text may hold what must not be shown; it is for the log, where secrets are masked.
    """
    if isinstance(exc, CryptoEltError):
        return exc
    if isinstance(exc, KeyboardInterrupt):
        return StoppedError("interrupted", exit_code=ExitCode.INTERRUPTED)
    frames = traceback.extract_tb(exc.__traceback__)
    places = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or frames
    where = f" at {places[-1].filename}:{places[-1].lineno}" if places else ""
    error = InternalError(
        f"internal error: {type(exc).__name__}{where}",
        hint="see the traceback in the newest file under logs/, and please report it",
    )
    error.__cause__ = exc
    return error
