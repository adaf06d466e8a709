from __future__ import annotations

import pytest

from cryptoelt.api.taxonomy import RULES, Retry, rule_of
from cryptoelt.errors import (
    AnswerError,
    ApiUnavailableError,
    BudgetError,
    ConfigurationError,
    CredentialsError,
    CryptoEltError,
    EndpointRefusedError,
    ExitCode,
    RequestRejectedError,
)

DOCUMENTED: list[tuple[int, int, type[CryptoEltError], Retry, ExitCode]] = [
    (400, 400, RequestRejectedError, Retry.NEVER, ExitCode.FAILED),
    (401, 1001, CredentialsError, Retry.NEVER, ExitCode.CONFIGURATION),
    (401, 1002, CredentialsError, Retry.NEVER, ExitCode.CONFIGURATION),
    (402, 1003, CredentialsError, Retry.NEVER, ExitCode.CONFIGURATION),
    (402, 1004, CredentialsError, Retry.NEVER, ExitCode.CONFIGURATION),
    (403, 1005, CredentialsError, Retry.NEVER, ExitCode.CONFIGURATION),
    (403, 1006, EndpointRefusedError, Retry.NEVER, ExitCode.CONFIGURATION),
    (403, 1007, CredentialsError, Retry.NEVER, ExitCode.CONFIGURATION),
    (404, 404, RequestRejectedError, Retry.NEVER, ExitCode.FAILED),
    (429, 1008, ApiUnavailableError, Retry.NEXT_MINUTE, ExitCode.UNAVAILABLE),
    (429, 1009, BudgetError, Retry.NEVER, ExitCode.BUDGET),
    (429, 1010, BudgetError, Retry.NEVER, ExitCode.BUDGET),
    (429, 1011, ApiUnavailableError, Retry.SLOWLY, ExitCode.UNAVAILABLE),
    (429, 1022, ApiUnavailableError, Retry.SLOWLY, ExitCode.UNAVAILABLE),
    (500, 500, ApiUnavailableError, Retry.BACKOFF, ExitCode.UNAVAILABLE),
    (400, 4001, RequestRejectedError, Retry.NEVER, ExitCode.FAILED),
    (400, 4002, RequestRejectedError, Retry.NEVER, ExitCode.FAILED),
]


@pytest.mark.parametrize(("status", "code", "error", "retry", "exit_code"), DOCUMENTED)
def test_every_documented_error_has_its_class(
    status: int, code: int, error: type[CryptoEltError], retry: Retry, exit_code: ExitCode
) -> None:
    rule = rule_of(code, status)
    assert (rule.error, rule.retry) == (error, retry)
    assert rule.error.exit_code is exit_code
    assert rule.hint


@pytest.mark.parametrize(
    ("status", "error", "retry"),
    [
        (301, ApiUnavailableError, Retry.BACKOFF),
        (401, CredentialsError, Retry.NEVER),
        (403, EndpointRefusedError, Retry.NEVER),
        (404, RequestRejectedError, Retry.NEVER),
        (405, RequestRejectedError, Retry.NEVER),
        (407, ConfigurationError, Retry.NEVER),
        (408, ApiUnavailableError, Retry.BACKOFF),
        (418, RequestRejectedError, Retry.NEVER),
        (429, ApiUnavailableError, Retry.SLOWLY),
        (502, ApiUnavailableError, Retry.BACKOFF),
        (503, ApiUnavailableError, Retry.BACKOFF),
        (504, ApiUnavailableError, Retry.BACKOFF),
        (530, ApiUnavailableError, Retry.BACKOFF),
    ],
)
def test_without_an_error_code_the_http_status_decides(status: int, error: type[CryptoEltError], retry: Retry) -> None:
    for code in (None, 0, 9999):
        assert (rule_of(code, status).error, rule_of(code, status).retry) == (error, retry)


def test_the_error_code_comes_before_the_http_status() -> None:
    assert rule_of(1010, 200).error is BudgetError
    assert rule_of(1001, 500).error is CredentialsError


def test_an_unknown_error_code_in_a_good_answer_is_not_asked_again() -> None:
    rule = rule_of(9999, 200)
    assert (rule.error, rule.retry) == (AnswerError, Retry.NEVER)


def test_every_rule_says_what_to_do() -> None:
    assert all(rule.hint and rule.meaning for rule in RULES.values())


def test_a_refusal_that_is_no_answer_of_the_api_is_told_apart_and_tried_again_slowly_a_few_times() -> None:
    for status in (401, 402, 403):
        rule = rule_of(None, status, has_envelope=False)
        assert (rule.error, rule.retry, rule.most_tries) == (EndpointRefusedError, Retry.SLOWLY, 3)
        assert "between here and the API" in rule.meaning
        assert "proxy" in rule.hint
    plan = rule_of(1006, 403)
    assert "plan of the key does not include" in plan.meaning


def test_an_outage_in_a_good_answer_may_be_a_path_that_is_gone_and_is_soon_given_up() -> None:
    assert (rule_of(500, 200).error, rule_of(500, 200).most_tries) == (ApiUnavailableError, 3)
    assert rule_of(500, 500).most_tries is None
