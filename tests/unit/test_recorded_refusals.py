"""Recorded refusals, and recorded answers about the key: each means what it should, and none is charged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.envelope import parse_envelope
from cryptoelt.api.retry import FailedTryError
from cryptoelt.api.taxonomy import Retry
from cryptoelt.api.transport import Exchange
from cryptoelt.api.verdict import Verdict, judge
from cryptoelt.errors import (
    BudgetError,
    CredentialsError,
    CryptoEltError,
    EndpointRefusedError,
    ExitCode,
    RequestRejectedError,
)
from tests.support.recordings import Recording, recordings

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

#: Error code -> what it becomes, and the code a run of this call alone ends with.
MEANS: dict[int, tuple[type[CryptoEltError], ExitCode]] = {
    400: (RequestRejectedError, ExitCode.FAILED),
    1002: (CredentialsError, ExitCode.CONFIGURATION),
    1005: (CredentialsError, ExitCode.CONFIGURATION),
    1006: (EndpointRefusedError, ExitCode.CONFIGURATION),
    1010: (BudgetError, ExitCode.BUDGET),
}


def recorded(folder: str) -> list[ParameterSet]:
    return [pytest.param(recording, id=recording.name) for recording in recordings(folder)]


def verdict_on(recording: Recording, status: int) -> Verdict:
    exchange = Exchange(status, recording.body, None, "", sent=True, elapsed_ms=9)
    return judge("exchange/assets", exchange, lambda _: 7, lambda text: text)


@pytest.mark.parametrize("recording", recorded("errors"))
def test_a_recorded_refusal_has_its_class_its_code_and_costs_nothing(recording: Recording) -> None:
    named = re.fullmatch(r"http(\d+)_(\d+)(_.*)?", recording.path.stem)
    assert named is not None
    status, code = int(named[1]), int(named[2])
    verdict = verdict_on(recording, status)
    assert isinstance(verdict.failure, FailedTryError)
    error = verdict.failure.error
    assert (type(error), error.exit_code) == MEANS[code]
    assert (verdict.credits, verdict.failure.retry) == (0, Retry.NEVER)
    assert (error.context["http_status"], error.context["error_code"]) == (status, code)
    assert f"HTTP {status}" in error.message
    envelope = parse_envelope(recording.body)
    assert envelope is not None
    assert envelope.error_message in error.message
    assert envelope.records is None


@pytest.mark.parametrize("recording", recorded("key/info"))
def test_a_recorded_key_has_a_limit_and_what_was_used_of_it(recording: Recording) -> None:
    verdict = verdict_on(recording, 200)
    assert verdict.failure is None
    assert verdict.credits == 0
    assert verdict.envelope is not None
    assert verdict.envelope.records is not None
    assert verdict.envelope.server_time is not None
    (record,) = verdict.envelope.records
    plan, month = record.value["plan"], record.value["usage"]["current_month"]
    assert month["credits_used"] + month["credits_left"] == plan["credit_limit_monthly"]
    assert plan["rate_limit_minute"] >= 50
