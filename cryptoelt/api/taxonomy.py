"""What each failure of the API means: the error it becomes, whether to try again, and what a person can do.

The envelope's error_code decides; where it says nothing finer, the HTTP status does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cryptoelt.errors import (
    AnswerError,
    ApiUnavailableError,
    BudgetError,
    ConfigurationError,
    CredentialsError,
    CryptoEltError,
    EndpointRefusedError,
    RequestRejectedError,
)


class Retry(StrEnum):
    """How a failed try may be repeated."""

    NEVER = "never"
    BACKOFF = "backoff"
    """Exponentially from one second: the other side has a problem that passes."""
    SLOWLY = "slowly"
    """Exponentially from fifteen seconds: this address asks too much."""
    NEXT_MINUTE = "next minute"
    """When the next clock minute begins."""


@dataclass(frozen=True)
class Rule:
    """What one error code, or one HTTP status, means.

    Attributes:
        meaning: what the API says by it, for a message.
        error: the error raised for it.
        retry: whether and how to try again first.
        hint: what a person can do.
        most_tries: after so many it most likely stays as it is; None where only the setting bounds them.
    """

    meaning: str
    error: type[CryptoEltError]
    retry: Retry
    hint: str
    most_tries: int | None = None


_KEY = "check CRYPTOELT_API__KEY against the key shown in the CoinMarketCap account"
_PLAN = "look at the plan and its payment in the CoinMarketCap account"
_REQUEST = "this is a request the API does not take (any more); compare its parameters with the API's documentation"
_LATER = "run the command again later: what was fetched is kept, the rest is asked anew"
_RATE = "lower api.requests_per_minute, or find the other program that uses the same key or address"
_ADDRESS = (
    "this is no word of the API: look at api.base_url, the proxy (HTTPS_PROXY) and the firewall, and ask whether the"
    " address of this machine is blocked, as those of some providers are"
)
_CREDITS = "see `cryptoelt budget`; find the other program that uses the same key, or lower budget.monthly_credits"


def _key(meaning: str, hint: str = _KEY) -> Rule:
    return Rule(meaning, CredentialsError, Retry.NEVER, hint)


def _refused(meaning: str) -> Rule:
    hint = "the other endpoints are asked all the same; look at what the plan includes in the CoinMarketCap account"
    return Rule(meaning, EndpointRefusedError, Retry.NEVER, hint)


def _rejected(meaning: str) -> Rule:
    return Rule(meaning, RequestRejectedError, Retry.NEVER, _REQUEST)


def _unavailable(meaning: str, retry: Retry = Retry.BACKOFF, hint: str = _LATER) -> Rule:
    return Rule(meaning, ApiUnavailableError, retry, hint)


#: Error codes of the envelope, and the HTTP statuses that stand for themselves.
RULES: dict[int, Rule] = {
    400: _rejected("a parameter is missing, unknown or out of range"),
    401: _key("the key is refused"),
    402: _key("the plan must be paid", _PLAN),
    403: _refused("the key may not ask this endpoint"),
    404: _rejected("there is no such path"),
    405: _rejected("the method is not allowed"),
    407: Rule("the proxy wants a password", ConfigurationError, Retry.NEVER, "check HTTPS_PROXY in the environment"),
    408: _unavailable("the request took too long to arrive"),
    429: _unavailable("too many requests", Retry.SLOWLY, _RATE),
    500: _unavailable("an internal error of the API"),
    502: _unavailable("bad gateway"),
    503: _unavailable("service unavailable"),
    504: _unavailable("gateway time-out"),
    1001: _key("the key is not known"),
    1002: _key("no key arrived"),
    1003: _key("the plan must be activated by a payment", _PLAN),
    1004: _key("the plan's payment has lapsed", _PLAN),
    1005: _key("a key is required"),
    1006: _refused("the plan of the key does not include this endpoint"),
    1007: _key("the key is disabled", "write to CoinMarketCap's support, or use another key"),
    1008: _unavailable("the plan's requests of this minute are used up", Retry.NEXT_MINUTE, _RATE),
    1009: Rule(
        "the plan's credits of this day are used up",
        BudgetError,
        Retry.NEVER,
        "they return at midnight UTC; " + _CREDITS,
    ),
    1010: Rule("the plan's credits of this month are used up", BudgetError, Retry.NEVER, _CREDITS),
    1011: _unavailable("too many requests from this address", Retry.SLOWLY, _RATE),
    1022: _unavailable("too many requests without a key from this address", Retry.SLOWLY, _RATE),
    4001: _rejected("a parameter is invalid"),
    4002: _rejected("a parameter is invalid"),
}

#: A refusal that no envelope of the API came with: a firewall, a proxy or a content network refuses the client.
_BY_OTHERS = (401, 402, 403)
_FEW_TRIES = 3
_REFUSED_ON_THE_WAY = Rule(
    "something between here and the API refuses this request", EndpointRefusedError, Retry.SLOWLY, _ADDRESS, _FEW_TRIES
)
#: The API says the same of a path it does not have (any more) as of an outage: error code 500 in a good answer.
_BUSY_OR_GONE = Rule(
    "the API is busy, or has no such path (any more)",
    ApiUnavailableError,
    Retry.BACKOFF,
    "run the command again later; should it stay so while other endpoints answer, the API has dropped this one",
    _FEW_TRIES,
)
_OK, _FIRST_REDIRECT, _FIRST_REFUSAL, _FIRST_FAULT = 200, 300, 400, 500


def rule_of(error_code: int | None, http_status: int, *, has_envelope: bool = True) -> Rule:
    """Return the rule for a failure, by its error code first.

    Args:
        error_code: of the envelope; None where it has none.
        http_status: of the answer.
        has_envelope: whether the answer is one of the API's own.
    """
    if not has_envelope and http_status in _BY_OTHERS:
        return _REFUSED_ON_THE_WAY
    if (error_code, http_status) == (_FIRST_FAULT, _OK):
        return _BUSY_OR_GONE
    if error_code and error_code in RULES:
        return RULES[error_code]
    if http_status in RULES:
        return RULES[http_status]
    if http_status >= _FIRST_FAULT:
        return _unavailable("a fault of the API")
    if http_status >= _FIRST_REFUSAL:
        return _rejected("the request is refused")
    if http_status >= _FIRST_REDIRECT:
        return _unavailable(
            "a redirection, which is not followed with the key",
            hint="check api.base_url, and whether this network wants a login first",
        )
    return Rule("an error code that is not known", AnswerError, Retry.NEVER, _LATER)
