"""The error tree: every class says what the caller must do, in words and as an exit code."""

from __future__ import annotations

import pytest

from cryptoelt import errors
from cryptoelt.errors import (
    STOPS_THE_RUN,
    AnswerError,
    CryptoEltError,
    EndpointRefusedError,
    ExitCode,
    InternalError,
    WindowClosedError,
    as_known,
)

CODES = {
    "CryptoEltError": 1,
    "UsageError": 2,
    "BudgetError": 5,
    "LockedError": 6,
    "ConfigurationError": 7,
    "CredentialsError": 7,
    "ApiUnavailableError": 8,
    "DatabaseUnavailableError": 8,
    "SchemaError": 9,
    "EndpointRefusedError": 7,
    "RequestRejectedError": 1,
    "AnswerError": 1,
    "UnusableAnswerError": 1,
    "MissingInputError": 1,
    "StorageError": 1,
    "DamagedFileError": 1,
    "UnreadableFileError": 1,
    "TransformError": 1,
    "LoadError": 1,
    "CheckError": 1,
    "QualityError": 4,
    "InternalError": 1,
    "StoppedError": 143,
    "WindowClosedError": 1,
}
CLASSES: dict[str, type[CryptoEltError]] = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, CryptoEltError)
}


def test_every_error_has_its_exit_code() -> None:
    assert {name: int(cls("x").exit_code) for name, cls in CLASSES.items()} == CODES


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_an_error_carries_what_happened_what_to_do_and_says_what_it_stands_for(cls: type[CryptoEltError]) -> None:
    error = cls("what happened", hint="what to do")

    assert (str(error), error.message, error.hint) == ("what happened", "what happened", "what to do")
    assert cls.__doc__


def test_context_is_kept_for_the_log_and_is_no_part_of_the_message() -> None:
    error = CryptoEltError("it failed", call_id="c1", credits=3)

    assert error.context == {"call_id": "c1", "credits": 3}
    assert "c1" not in str(error)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_what_only_a_person_or_time_can_change_stops_further_calls(cls: type[CryptoEltError]) -> None:
    refusal_or_stop = cls("x").exit_code in {5, 6, 7, 9, 143} or cls is WindowClosedError

    assert issubclass(cls, STOPS_THE_RUN) == (refusal_or_stop and cls is not EndpointRefusedError)


def test_an_error_of_ours_stays_what_it_is_and_anything_else_tells_its_place_alone() -> None:
    ours = AnswerError("x")
    assert as_known(ours) is ours
    try:
        CODES["the-secret"]
    except KeyError as exc:
        defect = as_known(exc)
        assert defect.__cause__ is exc
    assert isinstance(defect, InternalError)
    assert "KeyError at " in defect.message
    assert "the-secret" not in f"{defect.message} {defect.hint}"
    assert as_known(KeyboardInterrupt()).exit_code is ExitCode.INTERRUPTED


def test_the_exit_codes_are_those_of_the_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "PARTIAL": 3,
        "QUALITY": 4,
        "BUDGET": 5,
        "LOCKED": 6,
        "CONFIGURATION": 7,
        "UNAVAILABLE": 8,
        "SCHEMA": 9,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }
