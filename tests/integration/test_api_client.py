"""The client against the sandbox: what is counted, journalled, remembered, refused."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from cryptoelt.api.catalogue import ENDPOINTS, KEY_INFO
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.key_info import ask_key
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.errors import (
    AnswerError,
    BudgetError,
    ConfigurationError,
    CredentialsError,
    RequestRejectedError,
    StorageError,
)
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import PUBLIC_API, ApiSettings, BudgetSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CATEGORIES = ENDPOINTS["cryptocurrency/categories"]
METRICS = ENDPOINTS["global-metrics/quotes/latest"]
SENTIMENT = ENDPOINTS["fear-and-greed/latest"]
KEY = "canary-5d2c9e10"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(minute_limit=1000) as server:
        yield server


class Api:
    """A client with its ledger and its home."""

    def __init__(self, home: Path, base_url: str, *, key: str | None = KEY, **budget: Any) -> None:
        self.settings = Settings(
            home=home,
            api=ApiSettings(
                base_url=base_url,
                key=None if key is None else SecretStr(key),
                max_wait=0,
                read_timeout=5,
                requests_per_minute=1000,
            ),
            budget=BudgetSettings(**budget),
        )
        self.clock = Clock()
        self.ledger = CreditLedger(self.settings.metadata_dir, self.settings.budget, self.clock)
        self.client = CoinMarketCapClient(self.settings, self.ledger, self.clock, run_id="run-1")

    def journal(self) -> list[dict[str, Any]]:
        paths = sorted((self.settings.metadata_dir / "calls").glob("*.jsonl"))
        return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


@pytest.fixture
def api(tmp_path: Path, sandbox: SandboxServer) -> Api:
    return Api(tmp_path, sandbox.base_url)


def test_an_answer_carries_every_record_as_it_was_sent(api: Api, sandbox: SandboxServer) -> None:
    answer = api.client.get(CATEGORIES)
    sent = sandbox.served_body(sandbox.served()[-1]["sequence"])
    assert sent is not None
    data = json.loads(sent)["data"]
    assert [record.value for record in answer.records] == data
    assert all(record.raw.encode() in sent for record in answer.records)
    assert answer.sha256 == hashlib.sha256(sent).hexdigest()
    assert answer.parameters == {"start": "1", "limit": "5000"}
    assert answer.server_time is not None
    assert answer.credits == 3


def test_parameters_of_the_call_replace_those_of_the_catalogue(api: Api, sandbox: SandboxServer) -> None:
    answer = api.client.get(CATEGORIES, limit="7")
    assert len(answer.records) == 7
    assert sandbox.served()[-1]["parameters"] == {"start": "1", "limit": "7"}


def test_every_credit_is_counted(api: Api, sandbox: SandboxServer) -> None:
    for endpoint in (CATEGORIES, METRICS, SENTIMENT, KEY_INFO):
        api.client.get(endpoint)
    state = api.ledger.state()
    assert state.charged == api.client.charged == sandbox.usage()["credits"] == 5
    assert state.reserved == 0
    assert state.by_endpoint == {CATEGORIES.name: 3, METRICS.name: 1, SENTIMENT.name: 1}
    assert api.client.price_drift == []


def test_every_try_is_journalled_before_the_answer_is_there(api: Api, sandbox: SandboxServer) -> None:
    sandbox.add_fault("http_500*1")
    answer = api.client.get(METRICS)
    failed, answered = api.journal()
    assert (failed["outcome"], failed["error"], failed["error_code"]) == ("failed", "ApiUnavailableError", 500)
    assert (failed["http_status"], failed["credits"]) == (500, 0)
    assert answered["call_id"] == answer.call_id != failed["call_id"]
    assert answered["requested_at"].endswith("Z")
    assert answered["elapsed_ms"] >= 0
    expected = {
        "run_id": "run-1",
        "endpoint": METRICS.name,
        "parameters": {},
        "http_status": 200,
        "error_code": 0,
        "credits": 1,
        "outcome": "answered",
        "error": None,
        "sha256": answer.sha256,
    }
    assert {name: answered[name] for name in expected} == expected
    assert answered["bytes"] > 1000
    assert isinstance(answered["server_elapsed"], int)


def test_a_call_that_would_cross_the_budget_is_not_made(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url, monthly_credits=4, buffer=0.25)
    api.client.get(METRICS)
    before = sandbox.usage()["requests"]
    with pytest.raises(BudgetError):
        api.client.get(CATEGORIES)
    assert sandbox.usage()["requests"] == before
    assert len(api.journal()) == 1
    api.client.get(METRICS)


def test_a_retry_needs_credits_of_its_own(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url, monthly_credits=8, buffer=0)
    sandbox.add_fault("reset_charged")
    with pytest.raises(BudgetError):
        api.client.get(CATEGORIES)
    assert sandbox.usage()["credits"] == 6
    assert api.ledger.state().reserved == 6
    assert sandbox.usage()["requests"] == 2


def test_no_call_is_made_when_the_ledger_cannot_be_written(api: Api, sandbox: SandboxServer) -> None:
    (api.settings.metadata_dir).mkdir()
    (api.settings.metadata_dir / "credits").write_text("a file where a folder should be")
    with pytest.raises(StorageError):
        api.client.get(METRICS)
    assert sandbox.usage()["requests"] == 0


def test_a_price_that_changed_is_reported_once_and_reserved_from_then_on(api: Api, sandbox: SandboxServer) -> None:
    sandbox.add_fault("bad_price=2")
    api.client.get(METRICS)
    api.client.get(METRICS)
    assert api.client.price_drift == [
        "price drift: global-metrics/quotes/latest cost 3 credits, the configured price is 1; set [budget.prices]"
    ]
    reserved = [
        event["credits"]
        for event in map(
            json.loads, next((api.settings.metadata_dir / "credits").glob("*.jsonl")).read_text().splitlines()
        )
        if event["event"] == "reserve"
    ]
    assert reserved == [1, 3]
    assert api.ledger.state().charged == sandbox.usage()["credits"] == 6


def test_a_configured_price_is_no_drift(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url, prices={METRICS.name: 3})
    sandbox.add_fault("bad_price=2")
    api.client.get(METRICS)
    assert api.client.price_drift == []


def test_a_price_by_rows_follows_the_rows_that_came(api: Api) -> None:
    assert api.client.get(CATEGORIES, limit="200").credits == 2
    assert api.client.price_drift == []


def test_a_request_the_api_does_not_take_costs_nothing_and_is_made_once(api: Api, sandbox: SandboxServer) -> None:
    with pytest.raises(RequestRejectedError, match="nonsense"):
        api.client.get(METRICS, nonsense="1")
    assert sandbox.usage()["requests"] == 1
    assert (api.ledger.state().charged, api.ledger.state().reserved) == (0, 0)


def test_an_unknown_key_is_said_once(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url, key="unknown")
    with pytest.raises(CredentialsError) as caught:
        api.client.get(METRICS)
    assert "1001" in caught.value.message
    assert sum(sandbox.usage()["by_status"].values()) == 1


def test_without_a_key_no_call_is_made(tmp_path: Path, sandbox: SandboxServer) -> None:
    with pytest.raises(ConfigurationError):
        Api(tmp_path, sandbox.base_url, key=None).client.get(METRICS)
    assert sandbox.usage()["by_status"] == {}


def test_a_home_that_holds_sandbox_data_does_not_call_the_public_api(tmp_path: Path, sandbox: SandboxServer) -> None:
    Api(tmp_path, sandbox.base_url).client.get(METRICS)
    public = Api(tmp_path, PUBLIC_API)
    with pytest.raises(ConfigurationError, match="never mix"):
        public.client.get(METRICS)
    assert public.ledger.state().reserved == 0


def test_a_home_whose_sandbox_never_answered_is_still_free(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url)
    sandbox.add_fault("http_400")
    with pytest.raises(RequestRejectedError):
        api.client.get(METRICS)
    assert not (tmp_path / "metadata" / "api" / "origin.json").exists()


class Unwaiting(Clock):
    """Ends whatever would wait."""

    def sleep(self, seconds: float) -> None:
        self.stop.set()
        super().sleep(seconds)


def test_requests_beyond_the_minute_limit_wait_for_their_turn(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url)
    limited = api.settings.model_copy(update={"api": api.settings.api.model_copy(update={"requests_per_minute": 2})})
    clock = Unwaiting()
    client = CoinMarketCapClient(limited, api.ledger, clock, run_id="run-1")
    client.get(METRICS)
    client.get(KEY_INFO)
    with pytest.raises(Exception, match="stopped"):
        client.get(METRICS)
    assert sandbox.usage()["requests"] == 2
    assert api.ledger.state().reserved == 0


# --- reconciliation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset", "reset_charged", "cut_off", "html", "empty_body", "no_status"])
def test_what_may_have_been_charged_stays_reserved_until_the_provider_says(
    api: Api, sandbox: SandboxServer, fault: str
) -> None:
    sandbox.add_fault(fault, times=1)
    try:
        api.client.get(CATEGORIES)
    except AnswerError:
        assert fault == "no_status"
    state = api.ledger.state()
    assert len(state.open_reservations) == 1
    assert state.charged + state.reserved >= sandbox.usage()["credits"]
    assert ask_key(api.client, api.ledger, api.settings, api.clock).reconciled
    state = api.ledger.state()
    assert state.open_reservations == ()
    assert state.charged + state.external == sandbox.usage()["credits"]


def test_what_another_program_spent_is_taken_up(api: Api, sandbox: SandboxServer) -> None:
    sandbox.set_limits(month=10_000, credits_used=9_000)
    sandbox.add_fault("html*1")
    api.client.get(METRICS)
    ask_key(api.client, api.ledger, api.settings, api.clock)
    state = api.ledger.state()
    assert (state.charged, state.external) == (2, 9_000)
    with pytest.raises(BudgetError):
        api.client.get(METRICS)


def test_while_the_provider_cannot_be_asked_reservations_stay(
    api: Api, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.add_fault("html*1")
    api.client.get(METRICS)
    sandbox.add_fault("http_503", endpoint=KEY_INFO.name)
    assert not ask_key(api.client, api.ledger, api.settings, api.clock).reconciled
    assert api.ledger.state().reserved == 1
    assert "key.unanswered" in caplog.messages
    sandbox.clear_faults()
    assert ask_key(api.client, api.ledger, api.settings, api.clock).reconciled


def test_a_refused_key_ends_the_reconciliation(api: Api, sandbox: SandboxServer) -> None:
    sandbox.add_fault("html*1")
    api.client.get(METRICS)
    sandbox.add_fault("http_401_1001")
    with pytest.raises(CredentialsError):
        ask_key(api.client, api.ledger, api.settings, api.clock)


def test_events_are_logged_with_their_fields(
    api: Api, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="cryptoelt.api")
    sandbox.add_fault("http_502*1")
    sandbox.add_fault("bad_price*1+1")
    answer = api.client.get(METRICS)
    assert caplog.messages == ["call.failed", "call.retry", "call.settled", "price.drift"]
    settled: Any = caplog.records[2]
    assert settled.fields["call_id"] == answer.call_id
    assert settled.fields["credits"] == 3
