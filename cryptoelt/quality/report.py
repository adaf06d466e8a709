"""What checks have found, as their caller sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.errors import CheckError, CryptoEltError, QualityError
from cryptoelt.quality.checks import Severity
from cryptoelt.wording import counted

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.quality.checks import Check


class Verdict(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    """It found rows."""
    BROKEN = "broken"
    """It could not be run."""


@dataclass(frozen=True)
class Outcome:
    """What one check found at one time.

    Attributes:
        check: the check.
        is_full: whether it looked at all of history.
        load_batch_id: the newest load of the table that it looked at; None where nothing was ever loaded.
        started_at: when it began.
        seconds: how long it took.
        rows_found: rows that it found; None where it could not be run.
        sample: the first of them.
        message: why it could not be run, in the server's words.
    """

    check: Check
    is_full: bool
    load_batch_id: int | None
    started_at: datetime
    seconds: float
    rows_found: int | None
    sample: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        if self.rows_found is None:
            return Verdict.BROKEN
        return Verdict.FAILED if self.rows_found else Verdict.PASSED

    def __str__(self) -> str:
        """Say in a few words what it found."""
        if self.rows_found is None:
            return f"{self.check.name} could not be run: {self.message}"
        return f"{self.check.name} found {counted(self.rows_found, 'row')}"

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        return {
            **self.check.as_json(),
            "status": self.verdict.value,
            "rows_found": self.rows_found,
            "sample": self.sample,
            "message": self.message,
            "load_batch_id": self.load_batch_id,
            "started_at": iso(self.started_at),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class QualityReport:
    """What some checks found, in the order in which they were run."""

    run_id: str
    is_full: bool
    outcomes: list[Outcome]
    seconds: float

    def found(self, severity: Severity) -> list[Outcome]:
        """Return the outcomes of the checks of a severity that found rows."""
        failed = [outcome for outcome in self.outcomes if outcome.verdict is Verdict.FAILED]
        return [outcome for outcome in failed if outcome.check.severity is severity]

    @property
    def broken(self) -> list[Outcome]:
        """The outcomes of the checks that could not be run."""
        return [outcome for outcome in self.outcomes if outcome.verdict is Verdict.BROKEN]

    @property
    def error(self) -> CryptoEltError | None:
        """What the checks as a whole end with: rows found by one of severity error, else one that could not be run."""
        errors = self.found(Severity.ERROR)
        if not errors and not self.broken:
            return None
        message = "; ".join(map(str, [*errors, *self.broken]))
        if not errors:
            return CheckError(message, hint="run `cryptoelt db upgrade`; a check that stays broken is a defect")
        whole = "`cryptoelt quality list` says what to do about each; ops.quality_result has the first rows"
        return QualityError(message, hint=errors[0].check.action if len(errors) == 1 else whole)

    def as_json(self) -> dict[str, Any]:
        """Return the report in the shape of `--json`."""
        return {
            "run_id": self.run_id,
            "is_full": self.is_full,
            "seconds": round(self.seconds, 3),
            "found": {severity.value: len(self.found(severity)) for severity in Severity},
            "broken": len(self.broken),
            "checks": [outcome.as_json() for outcome in self.outcomes],
        }
