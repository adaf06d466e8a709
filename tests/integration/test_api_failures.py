"""Every way in which the API can fail: the error it becomes, the number of tries, and what the ledger says after it."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.key_info import ask_key
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.errors import (
    AnswerError,
    ApiUnavailableError,
    BudgetError,
    CredentialsError,
    CryptoEltError,
    EndpointRefusedError,
    RequestRejectedError,
)
from cryptoelt.sandbox.faults import KINDS, Stage
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ApiSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CATEGORIES = ENDPOINTS["cryptocurrency/categories"]
KEY = "canary-7b41c3aa"
NOON = datetime(2026, 11, 23, 12, 0, 17, tzinfo=UTC)


class RecordingClock(Clock):
    """Stands still but for its sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = NOON
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.stop.raise_if_set()
        self.sleeps.append(seconds)
        self.moment += timedelta(seconds=seconds)


class Api:
    """A client on a clock that is not waited for."""

    def __init__(self, home: Path, base_url: str, *, max_wait: float = 65, read_timeout: float = 5) -> None:
        self.settings = Settings(
            home=home,
            api=ApiSettings(
                base_url=base_url,
                key=SecretStr(KEY),
                max_wait=max_wait,
                read_timeout=read_timeout,
                requests_per_minute=1000,
            ),
        )
        self.home = home
        self.clock = RecordingClock()
        self.ledger = CreditLedger(self.settings.metadata_dir, self.settings.budget, self.clock)
        self.client = CoinMarketCapClient(self.settings, self.ledger, self.clock, run_id="run-1")

    def fail(self) -> CryptoEltError:
        with pytest.raises(CryptoEltError) as caught:
            self.client.get(CATEGORIES)
        return caught.value


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(minute_limit=1000, start_time=NOON, speed=0) as server:
        yield server


def requests_made(sandbox: SandboxServer) -> int:
    return sum(count for count in sandbox.usage()["by_status"].values())


#: fault -> error, tries, reservations left open
OUTCOMES: dict[str, tuple[type[CryptoEltError], int, int]] = {
    "http_400": (RequestRejectedError, 1, 0),
    "http_401_1001": (CredentialsError, 1, 0),
    "http_401_1002": (CredentialsError, 1, 0),
    "http_402_1003": (CredentialsError, 1, 0),
    "http_402_1004": (CredentialsError, 1, 0),
    "http_403_1005": (CredentialsError, 1, 0),
    "http_403": (EndpointRefusedError, 3, 0),
    "http_403_1006": (EndpointRefusedError, 1, 0),
    "http_403_1007": (CredentialsError, 1, 0),
    "http_404": (RequestRejectedError, 1, 0),
    "http_429_1008": (ApiUnavailableError, 5, 0),
    "http_429_1009": (BudgetError, 1, 0),
    "http_429_1010": (BudgetError, 1, 0),
    "http_429_1011": (ApiUnavailableError, 5, 0),
    "http_429_1022": (ApiUnavailableError, 5, 0),
    "http_500": (ApiUnavailableError, 5, 0),
    "http_502": (ApiUnavailableError, 5, 0),
    "http_503": (ApiUnavailableError, 5, 0),
    "http_504": (ApiUnavailableError, 5, 0),
    "reset": (ApiUnavailableError, 5, 5),
    "reset_charged": (ApiUnavailableError, 5, 5),
    "cut_off": (ApiUnavailableError, 2, 2),
    "html": (ApiUnavailableError, 2, 2),
    "empty_body": (ApiUnavailableError, 2, 2),
    "error_in_200": (ApiUnavailableError, 3, 0),
    "no_data": (AnswerError, 1, 0),
    "no_status": (AnswerError, 1, 1),
}


def test_every_fault_that_spoils_a_whole_answer_has_its_outcome() -> None:
    answered = {"slow", "empty_data", "bad_price", "wrong_type", "missing_field", "unknown_field"}
    in_records = {"nan_token", "nul_in_text", "lone_surrogate"}
    records = {name for name, kind in KINDS.items() if kind.stage is Stage.RECORDS}
    assert set(KINDS) - answered - in_records - records == set(OUTCOMES)


@pytest.mark.parametrize("fault", OUTCOMES)
def test_a_lasting_fault_ends_in_its_error_after_its_tries(tmp_path: Path, sandbox: SandboxServer, fault: str) -> None:
    expected, tries, still_open = OUTCOMES[fault]
    api = Api(tmp_path, sandbox.base_url)
    sandbox.add_fault(fault)
    error = api.fail()
    assert type(error) is expected
    assert error.hint
    assert CATEGORIES.name in error.message
    assert requests_made(sandbox) == tries
    assert len(api.clock.sleeps) == tries - 1
    state = api.ledger.state()
    assert len(state.open_reservations) == still_open
    assert state.charged + state.reserved >= sandbox.usage()["credits"]
    sandbox.clear_faults()
    ask_key(api.client, api.ledger, api.settings, api.clock)
    assert api.client.get(CATEGORIES).records
    state = api.ledger.state()
    assert state.charged + state.external == sandbox.usage()["credits"]


@pytest.mark.parametrize("fault", [name for name, (_, tries, _) in OUTCOMES.items() if tries > 1])
def test_a_passing_fault_is_cured_by_a_retry(tmp_path: Path, sandbox: SandboxServer, fault: str) -> None:
    api = Api(tmp_path, sandbox.base_url)
    sandbox.add_fault(fault, times=1)
    assert len(api.client.get(CATEGORIES).records) > 200
    assert requests_made(sandbox) == 2


@pytest.mark.parametrize("fault", ["nan_token", "nul_in_text", "lone_surrogate", "null_record", "empty_data"])
def test_odd_records_are_no_failure_of_the_answer(tmp_path: Path, sandbox: SandboxServer, fault: str) -> None:
    api = Api(tmp_path, sandbox.base_url)
    sandbox.add_fault(fault)
    api.client.get(CATEGORIES)
    assert api.ledger.state().charged == sandbox.usage()["credits"]


def test_the_minute_limit_is_waited_out_until_the_next_clock_minute(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url)
    sandbox.add_fault("http_429_1008*1")
    api.client.get(CATEGORIES)
    assert len(api.clock.sleeps) == 1
    assert 43 <= api.clock.sleeps[0] <= 44.5


def test_a_minute_limit_that_may_not_be_waited_out_is_unavailable(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url, max_wait=10)
    sandbox.add_fault("http_429_1008")
    assert type(api.fail()) is ApiUnavailableError
    assert requests_made(sandbox) == 1


def test_an_answer_that_takes_longer_than_the_time_out_may_have_been_charged(
    tmp_path: Path, sandbox: SandboxServer
) -> None:
    api = Api(tmp_path, sandbox.base_url, read_timeout=0.2)
    sandbox.add_fault("slow=30*1")
    api.client.get(CATEGORIES)
    state = api.ledger.state()
    assert len(state.open_reservations) == 1
    assert sandbox.usage()["credits"] == 6


def test_a_slow_answer_within_the_time_out_is_an_answer(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url)
    sandbox.add_fault("slow=0.5")
    api.client.get(CATEGORIES)
    assert requests_made(sandbox) == 1


def test_an_api_that_is_not_there_is_never_charged(tmp_path: Path, sandbox: SandboxServer) -> None:
    api = Api(tmp_path, sandbox.base_url)
    sandbox.stop()
    error = api.fail()
    assert type(error) is ApiUnavailableError
    assert "no connection to http://127.0.0.1" in error.message
    assert "(5 tries)" in error.message
    state = api.ledger.state()
    assert (state.charged, state.reserved) == (0, 0)


@pytest.mark.parametrize("fault", [*OUTCOMES, None])
def test_the_key_is_in_no_error_log_or_journal(
    tmp_path: Path, sandbox: SandboxServer, fault: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api = Api(tmp_path, sandbox.base_url, max_wait=0)
    if fault is None:
        sandbox.stop()
    else:
        sandbox.add_fault(fault)
    error = api.fail()
    link: BaseException | None = error
    chain = []
    while link is not None:
        chain += [repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or link.__context__
    shown = "".join(traceback.format_exception(error)) + "".join(chain)
    shown += "".join(repr(vars(record)) + record.getMessage() for record in caplog.records)
    shown += repr(vars(api.client)) + repr(api.ledger)
    assert KEY not in shown
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)
