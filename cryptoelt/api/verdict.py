"""What one try of a call amounts to: what it cost, and the answer or the failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoelt.api.envelope import Envelope, parse_envelope
from cryptoelt.api.retry import FailedTryError
from cryptoelt.api.taxonomy import Retry, rule_of
from cryptoelt.errors import AnswerError, ApiUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.api.answer import RawRecord
    from cryptoelt.api.transport import Exchange

_HTTP_OK = range(200, 300)
#: What cannot be read is charged as a rule: one slip is worth a second credit, more are not.
_TRIES_OF_UNREADABLE = 2
_LATER = "run the command again later: what was fetched is kept, the rest is asked anew"


@dataclass(frozen=True)
class Verdict:
    """What one try amounts to.

    Attributes:
        credits: what it cost; None when it may have been charged and only the provider knows.
        envelope: the answer's envelope, where it has one.
        failure: why it is no answer; None when it is one.
    """

    credits: int | None
    envelope: Envelope | None
    failure: FailedTryError | None


def judge(
    endpoint: str, exchange: Exchange, price_of: Callable[[list[RawRecord]], int], clean: Callable[[str], str]
) -> Verdict:
    """Decide what one try amounts to.

    Args:
        endpoint: the endpoint's name, for messages.
        exchange: what became of the request.
        price_of: the configured price of an answer with these records, for one that does not say its cost.
        clean: makes a text of the other side fit for a message.
    """
    if exchange.status is None:
        error = ApiUnavailableError(f"{endpoint}: {exchange.problem}", hint=_LATER, endpoint=endpoint)
        return Verdict(None if exchange.sent else 0, None, FailedTryError(error, Retry.BACKOFF))
    envelope = None if exchange.body is None else parse_envelope(exchange.body)
    if exchange.status not in _HTTP_OK:
        return _refused(endpoint, exchange, exchange.status, envelope, clean)
    if envelope is None:
        problem = exchange.problem or "the answer is not JSON"
        error = ApiUnavailableError(f"{endpoint}: {problem}", hint=_LATER, endpoint=endpoint, unreadable=True)
        return Verdict(None, None, FailedTryError(error, Retry.BACKOFF, most_tries=_TRIES_OF_UNREADABLE))
    if envelope.error_code:
        return _refused(endpoint, exchange, exchange.status, envelope, clean)
    credits = envelope.credits
    if credits is None and envelope.has_status and envelope.records is not None:
        credits = price_of(envelope.records)
    return Verdict(credits, envelope, _misshapen(endpoint, envelope))


def _refused(
    endpoint: str, exchange: Exchange, status: int, envelope: Envelope | None, clean: Callable[[str], str]
) -> Verdict:
    code = None if envelope is None else envelope.error_code
    has_envelope = envelope is not None and envelope.has_status
    rule = rule_of(code, status, has_envelope=has_envelope)
    said = "" if envelope is None or not envelope.error_message else f", {clean(envelope.error_message)!r}"
    kind = f", {clean(exchange.content_type)}" if exchange.content_type and not has_envelope else ""
    error = rule.error(
        f"{endpoint}: {rule.meaning} (HTTP {status}{f', error code {code}' if code else ''}{kind}{said})",
        hint=rule.hint,
        endpoint=endpoint,
        http_status=status,
        error_code=code,
        api_message=said,
    )
    # An error is never charged; should one say that it was, it is believed.
    credits = 0 if envelope is None or envelope.credits is None else envelope.credits
    return Verdict(credits, envelope, FailedTryError(error, rule.retry, exchange.retry_after, rule.most_tries))


def _misshapen(endpoint: str, envelope: Envelope) -> FailedTryError | None:
    if not envelope.has_status:
        problem = "`status` is missing"
    elif envelope.error_code is None:
        problem = "`status.error_code` is missing or not a number"
    elif envelope.records is None:
        problem = "`data` is missing, or neither a list nor an object"
    else:
        return None
    error = AnswerError(
        f"{endpoint}: the answer has not the documented shape: {problem}",
        hint="not asked again, since that costs credits; if it stays so, the API has changed and cryptoelt must follow",
        endpoint=endpoint,
    )
    return FailedTryError(error, Retry.NEVER)
