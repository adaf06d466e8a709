"""What units add up to: the exit code by the order of the contract, and the JSON that outsiders read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import permutations

import pytest

from cryptoelt.errors import (
    AnswerError,
    ApiUnavailableError,
    BudgetError,
    ConfigurationError,
    CredentialsError,
    CryptoEltError,
    DatabaseUnavailableError,
    EndpointRefusedError,
    ExitCode,
    LockedError,
    MissingInputError,
    SchemaError,
    StorageError,
    UsageError,
)
from cryptoelt.results import Credits, Phase, Result, Status, Unit, exit_code_of, refusal_as_json, report_as_json

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


class QualityError(CryptoEltError):
    """A check of severity error failed."""

    exit_code = ExitCode.QUALITY


def done(phase: Phase = Phase.EXTRACT) -> Unit:
    return Unit(phase, "unit", Status.DONE)


def nothing(phase: Phase = Phase.LOAD) -> Unit:
    return Unit(phase, "unit", Status.NOTHING)


def failed(error: CryptoEltError, phase: Phase = Phase.EXTRACT, snapshots: int = 0) -> Unit:
    unit = Unit(phase, "unit", snapshots=[NOW] * snapshots)
    unit.failed(error)
    return unit


def result(units: list[Unit], stopped_by: ExitCode | None = None) -> Result:
    return Result("run-1", "run", "10x", NOW, NOW, 1.23456, units, Credits(5, 4), stopped_by, ["a notice"])


BUDGET, LOCKED = failed(BudgetError("x")), failed(LockedError("x"))
CONFIGURATION, CREDENTIALS = failed(ConfigurationError("x")), failed(CredentialsError("x"))
SCHEMA = failed(SchemaError("x"), Phase.LOAD)
DATABASE = failed(DatabaseUnavailableError("x"), Phase.LOAD)
API, ANSWER, STORAGE = failed(ApiUnavailableError("x")), failed(AnswerError("x")), failed(StorageError("x"))
REFUSED, REFUSED_IN_PART = failed(EndpointRefusedError("x")), failed(EndpointRefusedError("x"), snapshots=1)
UNLISTED = failed(MissingInputError("x"))
QUALITY = failed(QualityError("x"), Phase.QUALITY)
SQL_FAILED = failed(CryptoEltError("x"), Phase.SQL)
PARTLY = failed(StorageError("x"), Phase.TRANSFORM, snapshots=1)

CASES: list[tuple[str, list[Unit], int]] = [
    ("no unit at all", [], 0),
    ("all done", [done(), done(Phase.LOAD)], 0),
    ("nothing to do", [nothing(), nothing(Phase.TRANSFORM)], 0),
    ("done and nothing", [done(), nothing()], 0),
    # the refusals, in their order, whatever else is there
    ("budget before all", [done(), BUDGET, LOCKED, CONFIGURATION, SCHEMA, DATABASE, API, ANSWER, QUALITY], 5),
    ("lock before configuration", [done(), LOCKED, CONFIGURATION, SCHEMA, DATABASE, API, ANSWER, QUALITY], 6),
    ("configuration before schema", [done(), CONFIGURATION, SCHEMA, DATABASE, API, ANSWER, QUALITY], 7),
    ("a rejected key is configuration", [done(), CREDENTIALS, SCHEMA, DATABASE, API, ANSWER, QUALITY], 7),
    ("schema before the database", [done(), SCHEMA, DATABASE, API, ANSWER, QUALITY], 9),
    ("the database before partial", [done(), done(Phase.TRANSFORM), DATABASE, API, ANSWER, QUALITY], 8),
    ("the database alone", [DATABASE], 8),
    # one endpoint refused
    ("the only endpoint refused", [REFUSED, nothing(Phase.TRANSFORM), nothing()], 7),
    ("all endpoints refused", [REFUSED, REFUSED], 7),
    ("all endpoints refused, and an earlier snapshot built", [REFUSED, done(Phase.TRANSFORM), done(Phase.LOAD)], 7),
    ("an endpoint refused, and so nobody to ask another for", [REFUSED, UNLISTED], 7),
    ("one endpoint refused among others", [REFUSED, done(), nothing()], 3),
    ("an endpoint refused after some of its answers", [REFUSED_IN_PART], 3),
    ("an endpoint refused and an unreachable API", [REFUSED, API], 1),
    ("an endpoint refused and a rejected key", [REFUSED, done(), CREDENTIALS], 7),
    # some done, some failed
    ("partial before quality", [done(), ANSWER, QUALITY], 3),
    ("an unreachable API, and something done", [done(), API], 3),
    ("an unreachable API, and an earlier snapshot built", [API, API, done(Phase.TRANSFORM), nothing()], 3),
    ("a unit that did a part of its work", [PARTLY], 3),
    ("post-load SQL failed after the load", [done(Phase.LOAD), SQL_FAILED], 3),
    # quality alone
    ("only a check failed", [done(), done(Phase.LOAD), QUALITY], 4),
    ("a check failed and nothing was to do", [nothing(), QUALITY], 4),
    ("a check before what failed as a whole", [API, QUALITY], 4),
    # nothing succeeded
    ("an unreachable API", [API, API, nothing(Phase.TRANSFORM), nothing()], 8),
    ("an unreachable API, and so nobody to ask for", [API, UNLISTED], 8),
    ("nobody to ask for", [UNLISTED], 1),
    ("an unreachable API and a useless answer", [API, ANSWER], 1),
    ("a useless answer", [ANSWER], 1),
    ("a full disk", [STORAGE, nothing()], 1),
    ("nothing is no success", [ANSWER, nothing(), nothing(Phase.TRANSFORM)], 1),
    ("neither is SQL", [API, done(Phase.SQL)], 8),
    ("neither is a check", [ANSWER, done(Phase.QUALITY), done(Phase.SQL)], 1),
]


@pytest.mark.parametrize(("units", "code"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_exit_code_is_that_of_the_contract(units: list[Unit], code: int) -> None:
    assert exit_code_of(units) == code
    assert exit_code_of(units[::-1]) == code


def test_the_order_of_units_does_not_matter() -> None:
    units = [done(), DATABASE, API, QUALITY, SCHEMA]

    assert {exit_code_of(list(order)) for order in permutations(units)} == {ExitCode.SCHEMA}


@pytest.mark.parametrize(
    ("unit", "status"),
    [
        (failed(BudgetError("x")), Status.REFUSED),
        (failed(LockedError("x")), Status.REFUSED),
        (failed(CredentialsError("x")), Status.REFUSED),
        (failed(SchemaError("x")), Status.REFUSED),
        (failed(StorageError("x")), Status.FAILED),
        (failed(DatabaseUnavailableError("x")), Status.FAILED),
        (failed(StorageError("x"), snapshots=1), Status.PARTIAL),
    ],
)
def test_a_unit_that_failed_says_how(unit: Unit, status: Status) -> None:
    assert unit.status is status
    assert unit.error is not None


@pytest.mark.parametrize(
    ("units", "status", "code"),
    [
        ([done()], "done", 0),
        ([nothing()], "nothing", 0),
        ([], "nothing", 0),
        ([done(), API], "partial", 3),
        ([done(), DATABASE], "partial", 8),
        ([DATABASE], "failed", 8),
        ([API], "failed", 8),
        ([ANSWER], "failed", 1),
        ([done(), BUDGET], "refused", 5),
        ([LOCKED], "refused", 6),
        ([CREDENTIALS], "refused", 7),
        ([SCHEMA], "refused", 9),
        ([done(), QUALITY], "partial", 4),
    ],
)
def test_the_status_of_a_command_goes_with_its_code(units: list[Unit], status: str, code: int) -> None:
    shown = result(units).as_json()

    assert (shown["status"], shown["exit_code"]) == (status, code)


@pytest.mark.parametrize("code", [ExitCode.TERMINATED, ExitCode.INTERRUPTED])
def test_a_signal_decides_the_code_whatever_the_units_say(code: ExitCode) -> None:
    assert result([done(), BUDGET], code).exit_code is code
    assert result([done()], code).status is Status.PARTIAL
    assert result([nothing()], code).status is Status.FAILED


RESULT_KEYS = {
    "schema_version", "run_id", "command", "frequency", "window_start", "status", "exit_code", "started_at", "ended_at",
    "seconds", "credits", "units", "notices", "error", "reason",
}  # fmt: skip
UNIT_KEYS = {
    "phase", "name", "status", "snapshots", "seconds", "rows_in", "rows_loaded", "rows_present", "rows_quarantined",
    "error", "postponed", "credits",
    "kept",
}  # fmt: skip


def test_the_json_of_a_result_has_the_keys_of_the_contract() -> None:
    unit = Unit(Phase.LOAD, "fact_market_sentiment", Status.DONE, [NOW], 0.12345, 10, 7, 2, 1)
    shown = json.loads(json.dumps(result([unit, failed(StorageError("full", hint="free some", file="f"))]).as_json()))

    assert set(shown) == RESULT_KEYS
    assert [set(each) for each in shown["units"]] == [UNIT_KEYS, UNIT_KEYS]
    assert shown["credits"] == {"planned": 5, "charged": 4}
    assert shown["units"][0] == {
        "phase": "load",
        "name": "fact_market_sentiment",
        "status": "done",
        "snapshots": ["2026-11-23T10:30:00Z"],
        "seconds": 0.123,
        "rows_in": 10,
        "rows_loaded": 7,
        "rows_present": 2,
        "rows_quarantined": 1,
        "postponed": 0,
        "credits": {"planned": 0, "charged": 0},
        "kept": [],
        "error": None,
    }
    assert shown["units"][1]["error"] == {
        "type": "StorageError",
        "message": "full",
        "hint": "free some",
        "exit_code": 1,
        "context": {"file": "f"},
    }
    assert shown["error"] == shown["units"][1]["error"]
    assert (shown["schema_version"], shown["frequency"], shown["window_start"]) == (1, "10x", None)
    assert shown["started_at"] == shown["ended_at"] == "2026-11-23T10:30:00Z"
    assert shown["seconds"] == 1.235


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LockedError("x"), "refused"),
        (ConfigurationError("x"), "refused"),
        (SchemaError("x"), "refused"),
        (BudgetError("x"), "refused"),
        (UsageError("x"), "refused"),
        (DatabaseUnavailableError("x"), "failed"),
        (CryptoEltError("x"), "failed"),
    ],
)
def test_a_command_that_could_not_begin_has_the_same_keys(error: CryptoEltError, status: str) -> None:
    shown = refusal_as_json(error, "run")

    assert set(shown) == RESULT_KEYS
    assert (shown["command"], shown["status"], shown["exit_code"]) == ("run", status, int(error.exit_code))
    assert shown["units"] == []
    assert shown["error"]["type"] == type(error).__name__


def test_a_command_without_units_has_only_what_all_have_when_it_could_not_begin() -> None:
    shown = refusal_as_json(DatabaseUnavailableError("x"), "db init")

    assert list(shown) == ["schema_version", "command", "status", "exit_code", "error"]
    assert (shown["command"], shown["exit_code"]) == ("db init", 8)


@pytest.mark.parametrize(("error", "code"), [(None, 0), (SchemaError("x"), 9)])
def test_every_report_begins_with_the_same_keys(error: CryptoEltError | None, code: int) -> None:
    shown = report_as_json("budget", {"month": "2026-11"}, error)

    assert list(shown) == ["schema_version", "command", "exit_code", "error", "month"]
    assert (shown["exit_code"], shown["error"] is None) == (code, error is None)


def test_the_context_of_an_error_is_plain_whatever_was_put_into_it() -> None:
    error = CryptoEltError("x", at=NOW, codes=(ExitCode.BUDGET, "a"), holder={1: NOW, "pid": 3})

    assert json.loads(json.dumps(refusal_as_json(error, "run")))["error"]["context"] == {
        "at": str(NOW),
        "codes": [5, "a"],
        "holder": {"1": str(NOW), "pid": 3},
    }


@pytest.mark.parametrize(("code", "signal"), [(ExitCode.TERMINATED, "SIGTERM"), (ExitCode.INTERRUPTED, "SIGINT")])
def test_a_stopped_result_says_which_signal_ended_it(code: ExitCode, signal: str) -> None:
    stopped = result([])
    stopped.stopped_by = code

    assert f"stopped by {signal}" in stopped.as_json()["error"]["message"]
    assert stopped.as_json()["error"]["exit_code"] == code


def test_the_error_of_a_result_is_the_one_its_exit_code_speaks_of() -> None:
    later = result([failed(ApiUnavailableError("first")), failed(BudgetError("second"))])

    assert later.error is not None
    assert later.error.message == "second"
