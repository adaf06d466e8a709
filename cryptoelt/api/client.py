"""The CoinMarketCap client: every call counted, paid for once, journalled, and retried by one policy."""

from __future__ import annotations

import hashlib
import logging
import uuid
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptoelt.api.answer import Answer
from cryptoelt.api.call_journal import CallJournal
from cryptoelt.api.catalogue import KEY_INFO, Shape
from cryptoelt.api.home_guard import HomeGuard
from cryptoelt.api.key import harmless, usable_key
from cryptoelt.api.key_plan import KeyPlanFile
from cryptoelt.api.minute import MinuteLimit
from cryptoelt.api.retry import RetryPolicy
from cryptoelt.api.transport import Transport
from cryptoelt.api.verdict import Verdict, judge
from cryptoelt.wording import counted

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import SecretStr

    from cryptoelt.api.answer import RawRecord
    from cryptoelt.api.catalogue import Endpoint
    from cryptoelt.api.ledger import CreditLedger
    from cryptoelt.api.transport import Exchange
    from cryptoelt.clock import Clock
    from cryptoelt.settings import Settings

log = logging.getLogger("cryptoelt.api")

_TRIES_OF_KEY_INFO = 2


@dataclass(frozen=True)
class _Try:
    """One try of a call."""

    call_id: str
    endpoint: Endpoint
    parameters: dict[str, str]
    requested_at: datetime


class CoinMarketCapClient:
    """Asks the API, within the budget.

    Attributes:
        charged: credits settled by this client so far.
        price_drift: a message for every endpoint that cost other than its configured price.
    """

    def __init__(self, settings: Settings, ledger: CreditLedger, clock: Clock, *, run_id: str) -> None:
        self.charged = 0
        self.price_drift: list[str] = []
        self._settings = settings
        self._ledger = ledger
        self._clock = clock
        self._run_id = run_id
        self._guard = HomeGuard(settings.metadata_dir)
        limit = KeyPlanFile(settings.metadata_dir).known().request_limit(settings.api)
        self._minute = MinuteLimit(settings.metadata_dir, limit.value, clock)
        tries, wait = settings.api.max_tries, settings.api.max_wait
        self._retry = RetryPolicy(clock, max_tries=tries, max_wait=wait)
        self._brief_retry = RetryPolicy(clock, max_tries=min(tries, _TRIES_OF_KEY_INFO), max_wait=wait)
        self._journal = CallJournal(settings.metadata_dir)
        self._transport = Transport(settings.api, clock)
        self._closing = weakref.finalize(self, self._transport.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a client that nobody holds any longer closes itself."""
        self._closing()

    def price(self, endpoint: Endpoint, rows: int | None = None) -> int:
        """Return what a call costs that brings so many rows (default: the most that are expected)."""
        return self._settings.budget.prices.get(endpoint.name, endpoint.price.of(rows))

    def get(self, endpoint: Endpoint, rows: int | None = None, **parameters: str) -> Answer:
        """Ask an endpoint; the call is reserved before it is made, and settled and journalled before this returns.

        Args:
            endpoint: whom to ask.
            rows: the most rows the answer can have, where the request bounds them closer than the catalogue.
            parameters: sent beside, and in place of, those of the catalogue.

        Raises:
            ConfigurationError: there is no usable key, the home holds data of the other kind, or the certificates that
                the environment names cannot be read; no call was made.
            CredentialsError: the API refuses the key.
            EndpointRefusedError: the plan does not include this endpoint, or something on the way refuses the request.
            BudgetError: the call would cross the budget and was not made, or the API says the credits are gone.
            ApiUnavailableError: there was no sensible answer after all tries.
            RequestRejectedError: the API does not take this request.
            AnswerError: the answer has not the documented shape; it is not asked again, since that costs credits.
            StorageError: ledger or journal cannot be written.
            StoppedError: the run is to end; an answer under way that does not come at once is left behind.
        """
        return self._get(endpoint, rows, {**endpoint.parameters, **parameters}, self._retry)

    def ask_key_info(self) -> Answer:
        """Ask key/info, with few tries: what it says is good to know, and nothing waits for it.

        Raises:
            CryptoEltError: as of `get`.
        """
        return self._get(KEY_INFO, None, KEY_INFO.parameters, self._brief_retry)

    def limit_requests(self, limit: int) -> None:
        """Make so many requests a minute at most from now on."""
        self._minute.limit = limit

    def _get(self, endpoint: Endpoint, rows: int | None, asked: dict[str, str], retry: RetryPolicy) -> Answer:
        key = usable_key(self._settings)
        self._guard.check(self._settings.api.base_url)
        self._transport.require_certificates()
        return retry.run(lambda: self._attempt(endpoint, rows, asked, key))

    def _attempt(self, endpoint: Endpoint, rows: int | None, parameters: dict[str, str], key: SecretStr) -> Answer:
        self._clock.stop.raise_if_set()
        attempt = self._begin(endpoint, rows, parameters)
        exchange = self._transport.send(endpoint.path, parameters, key)
        verdict = judge(
            endpoint.name,
            exchange,
            lambda records: self.price(endpoint, _rows_in(endpoint, records)),
            lambda text: harmless(text, key),
        )
        self._close_reservation(attempt, verdict)
        self._report(attempt, exchange, verdict)
        self._watch_price(endpoint, verdict)
        if verdict.failure is not None:
            self._clock.stop.raise_if_set()
            if "unreadable" in verdict.failure.error.context:
                verdict.failure.error.context["call_id"] = attempt.call_id
            raise verdict.failure
        self._guard.remember(self._settings.api.base_url)
        return _answer(attempt, exchange, verdict)

    def _begin(self, endpoint: Endpoint, rows: int | None, parameters: dict[str, str]) -> _Try:
        """Get leave for one request: first of the budget, since that refuses at once, then of the minute limit."""
        credits = self.price(endpoint, rows)
        if _is_paid(endpoint):
            self._ledger.require(endpoint.name, credits)
        self._minute.take()
        now = self._clock.now()
        self._journal.require(now)
        attempt = _Try(f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:16]}", endpoint, parameters, now)
        if _is_paid(endpoint):
            self._ledger.reserve(endpoint.name, credits, attempt.call_id)
        return attempt

    def _close_reservation(self, attempt: _Try, verdict: Verdict) -> None:
        if not _is_paid(attempt.endpoint) or verdict.credits is None:
            return
        if verdict.credits or verdict.failure is None:
            self._ledger.settle(attempt.call_id, verdict.credits)
            self.charged += verdict.credits
        else:
            self._ledger.release(attempt.call_id)

    def _report(self, attempt: _Try, exchange: Exchange, verdict: Verdict) -> None:
        """Journal the try durably, and log it."""
        envelope = verdict.envelope
        failure = verdict.failure
        line = {
            "call_id": attempt.call_id,
            "run_id": self._run_id,
            "endpoint": attempt.endpoint.name,
            "parameters": attempt.parameters,
            "http_status": exchange.status,
            "error_code": None if envelope is None else envelope.error_code,
            "credits": verdict.credits,
            "elapsed_ms": exchange.elapsed_ms,
            "server_elapsed": None if envelope is None else envelope.elapsed,
            "bytes": None if exchange.body is None else len(exchange.body),
            "sha256": None if exchange.body is None else _sha256(exchange.body),
            "outcome": "answered" if failure is None else "failed",
            "error": None if failure is None else type(failure.error).__name__,
            "message": None if failure is None else failure.error.message,
        }
        self._journal.append(attempt.requested_at, line)
        if verdict.credits is None:
            log.warning("call.unsettled", extra={"fields": line})
        elif failure is not None:
            log.warning("call.failed", extra={"fields": line})
        else:
            log.info("call.settled", extra={"fields": line})

    def _watch_price(self, endpoint: Endpoint, verdict: Verdict) -> None:
        envelope = verdict.envelope
        if envelope is None or envelope.error_code != 0 or envelope.records is None or envelope.credits is None:
            return
        price = self.price(endpoint, _rows_in(endpoint, envelope.records))
        if envelope.credits == price:
            return
        message = (
            f"price drift: {endpoint.name} cost {counted(envelope.credits, 'credit')}, the configured price is {price};"
            " set [budget.prices]"
        )
        if message not in self.price_drift:
            self.price_drift.append(message)
        fields = {"endpoint": endpoint.name, "credits": envelope.credits, "price": price}
        log.warning("price.drift", extra={"fields": fields})


def _rows_in(endpoint: Endpoint, records: list[RawRecord]) -> int:
    """Return what counts as the rows of an answer, by the shape of the endpoint's answers."""
    inner: object = records
    if endpoint.shape is Shape.KEYED and records:
        inner = records[0].value
    elif endpoint.shape is Shape.COINS and records and isinstance(records[0].value, dict):
        inner = records[0].value.get("coins")
    return len(inner) if isinstance(inner, list | dict) else 0


def _is_paid(endpoint: Endpoint) -> bool:
    """Tell whether a call needs a reservation; the question what was spent must be free to ask."""
    return endpoint.name != KEY_INFO.name


def _answer(attempt: _Try, exchange: Exchange, verdict: Verdict) -> Answer:
    envelope, body = verdict.envelope, exchange.body
    if envelope is None or body is None or envelope.records is None or verdict.credits is None:
        raise AssertionError(attempt.call_id)  # judge() calls nothing of the kind an answer
    return Answer(
        call_id=attempt.call_id,
        endpoint=attempt.endpoint.name,
        parameters=attempt.parameters,
        requested_at=attempt.requested_at,
        server_time=envelope.server_time or exchange.date,
        records=envelope.records,
        credits=verdict.credits,
        total_count=envelope.total_count,
        sha256=_sha256(body),
        is_list=envelope.is_list,
        elapsed_ms=exchange.elapsed_ms,
        http_date=exchange.date,
    )


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
