"""Every fault of the sandbox x every endpoint: `extract` ends in the documented code and says what to do about it.

It keeps what it has, calls no more than it should, and is as good as new once the fault is gone.

The command line runs in this process, because three runs for each of some 140 cells would otherwise take minutes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import signal
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from cryptoelt import cli
from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.ledger import CreditLedger, LedgerState
from cryptoelt.clock import Clock
from cryptoelt.errors import ExitCode
from cryptoelt.sandbox.faults import KINDS, Stage
from cryptoelt.settings import BudgetSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptoelt.sandbox.server import SandboxServer

MAX_TRIES = 5


@dataclass(frozen=True)
class Expected:
    """How `extract` ends while a fault lasts.

    Attributes:
        alone: the exit code when the endpoint is the only one asked.
        among_others: the exit code when the other endpoints are asked too.
        error: the error of the unit; "" where the answer is good enough to be kept.
        tries: requests made for the endpoint by one command.
    """

    alone: ExitCode
    among_others: ExitCode
    error: str
    tries: int = 1

    @property
    def stops_the_run(self) -> bool:
        return self.among_others in {ExitCode.CONFIGURATION, ExitCode.BUDGET}

    @property
    def status(self) -> str:
        if not self.error:
            return "done"
        return "refused" if self.stops_the_run else "failed"


KEPT = Expected(ExitCode.DONE, ExitCode.DONE, "")
REJECTED = Expected(ExitCode.FAILED, ExitCode.PARTIAL, "RequestRejectedError")
UNUSABLE = Expected(ExitCode.FAILED, ExitCode.PARTIAL, "AnswerError")
KEY_REFUSED = Expected(ExitCode.CONFIGURATION, ExitCode.CONFIGURATION, "CredentialsError")
CREDITS_GONE = Expected(ExitCode.BUDGET, ExitCode.BUDGET, "BudgetError")
AWAY = Expected(ExitCode.UNAVAILABLE, ExitCode.PARTIAL, "ApiUnavailableError", MAX_TRIES)
#: The next clock minute lies beyond the longest wait that these tests allow, so there is no second try.
AWAY_THIS_MINUTE = replace(AWAY, tries=1)

EXPECTED = {
    "http_400": REJECTED,
    "http_404": REJECTED,
    "http_401_1001": KEY_REFUSED,
    "http_401_1002": KEY_REFUSED,
    "http_402_1003": KEY_REFUSED,
    "http_402_1004": KEY_REFUSED,
    "http_403_1005": KEY_REFUSED,
    "http_403_1006": KEY_REFUSED,
    "http_403_1007": KEY_REFUSED,
    "http_429_1008": AWAY_THIS_MINUTE,
    "http_429_1009": CREDITS_GONE,
    "http_429_1010": CREDITS_GONE,
    "http_429_1011": AWAY,
    "http_429_1022": AWAY,
    "http_500": AWAY,
    "http_502": AWAY,
    "http_503": AWAY,
    "http_504": AWAY,
    "slow": AWAY,
    "reset": AWAY,
    "reset_charged": AWAY,
    "cut_off": AWAY,
    "html": AWAY,
    "empty_body": AWAY,
    "error_in_200": AWAY,
    "empty_data": UNUSABLE,
    "no_data": UNUSABLE,
    "no_status": UNUSABLE,
    "bad_price": KEPT,
    "wrong_type": KEPT,
    "missing_field": KEPT,
    "unknown_field": KEPT,
    "nan_token": KEPT,
    "nul_in_text": KEPT,
    "lone_surrogate": KEPT,
    "duplicate_record": KEPT,
    "conflicting_duplicate": KEPT,
    "null_record": KEPT,
}

#: Endpoints whose answer is a list of records.
LISTS = {"cryptocurrency/categories"}
CELLS = [
    pytest.param(kind, endpoint, id=f"{kind}-{endpoint}")
    for kind in KINDS
    for endpoint in ENDPOINTS
    if endpoint in LISTS or not KINDS[kind].needs_list
]


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed

    def unit(self, endpoint: str) -> dict[str, Any]:
        (unit,) = [unit for unit in self.json["units"] if unit["name"] == endpoint]
        return dict(unit)


class Extract:
    """Runs `cryptoelt extract` in this process, against the sandbox, and looks at what it did."""

    def __init__(
        self, home: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.home = home
        self.sandbox = sandbox
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        self._seen = 0

    def __call__(self, *arguments: str, read_timeout: float = 60) -> Ended:
        environment = {
            **self.sandbox.environment,
            "CRYPTOELT_HOME": str(self.home),
            "CRYPTOELT_API__MAX_WAIT": "0",
            "CRYPTOELT_API__REQUESTS_PER_MINUTE": "100000",
            "CRYPTOELT_API__READ_TIMEOUT": str(read_timeout),
        }
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)  # every time: a command takes the secrets out again
        self._seen = len(self.sandbox.served())
        self._capfd.readouterr()
        code = cli.run(["extract", *arguments])
        captured = self._capfd.readouterr()
        return Ended(code, captured.out, captured.err)

    @property
    def calls(self) -> list[str]:
        """The endpoints that the last command asked, request by request; those of a reconciliation left out."""
        asked = [served["endpoint"] for served in self.sandbox.served()[self._seen :]]
        return [endpoint for endpoint in asked if endpoint != "key/info"]

    @property
    def ledger(self) -> LedgerState:
        return CreditLedger(self.home / "metadata", BudgetSettings(), Clock()).state()

    @property
    def provider_count(self) -> int:
        return int(self.sandbox.usage()["credits"])

    def bronze(self, endpoint: str = "") -> dict[Path, str]:
        """The checksum of every Bronze file."""
        files = sorted((self.home / "lake" / "bronze" / endpoint).rglob("*.parquet"))
        return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def extract(
    home: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Extract]:
    """Run commands in this process and leave its signals and logs as they were."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.delenv("CMC_API_KEY", raising=False)
    yield Extract(home, sandbox, monkeypatch, capfd)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    logger = logging.getLogger("cryptoelt")
    for log_handler in list(logger.handlers):
        logger.removeHandler(log_handler)
        log_handler.close()


def test_every_fault_of_the_sandbox_has_an_expectation() -> None:
    assert set(EXPECTED) == set(KINDS)


@pytest.mark.parametrize(("kind", "endpoint"), CELLS)
def test_extract_is_loud_about_a_fault_and_recovers_from_it(extract: Extract, kind: str, endpoint: str) -> None:
    expected = EXPECTED[kind]
    # Short enough to be worth waiting for five times, and far longer than a good answer of the sandbox takes.
    patience = 0.3 if kind == "slow" else 60.0
    extract.sandbox.add_fault(kind, endpoint=endpoint)

    ended = extract("--endpoint", endpoint, "--json", read_timeout=patience)
    assert ended.code == expected.alone, ended.err
    assert_told(ended, kind, endpoint, expected)
    assert_in_json(ended, endpoint, expected, expected.alone)
    assert extract.calls == [endpoint] * expected.tries
    assert_never_below_the_provider(extract)
    alone = extract.bronze()
    assert len(alone) == (0 if expected.error else 1)

    ended = extract("--json", read_timeout=patience)
    assert ended.code == expected.among_others, ended.err
    assert_told(ended, kind, endpoint, expected)
    assert_in_json(ended, endpoint, expected, expected.among_others)
    assert extract.calls == calls_among_others(endpoint, expected)
    assert_never_below_the_provider(extract)
    among_others = extract.bronze()
    assert alone.items() <= among_others.items()
    assert_others_are_kept(extract, ended, endpoint, expected)
    if not expected.error:
        assert_raw_is_what_was_sent(extract, endpoint)

    extract.sandbox.clear_faults()
    ended = extract("--json")
    assert (ended.code, ended.err) == (0, "")
    assert among_others.items() <= extract.bronze().items()
    assert len(extract.bronze()) == len(among_others) + len(ENDPOINTS)
    state = extract.ledger
    assert (state.charged, state.reserved, state.external) == (extract.provider_count, 0, 0)


def test_a_fault_that_passes_within_the_tries_is_no_failure(extract: Extract) -> None:
    for endpoint in ENDPOINTS:
        extract.sandbox.add_fault("http_503", endpoint=endpoint, times=MAX_TRIES - 1)
    ended = extract()
    assert (ended.code, ended.err) == (0, "")
    assert extract.calls == [endpoint for endpoint in ENDPOINTS for _ in range(MAX_TRIES)]
    assert extract.ledger.charged == extract.provider_count


@pytest.mark.parametrize("kind", ["http_429_1011", "http_503", "reset_charged", "html"])
def test_a_fault_of_every_endpoint_leaves_nothing_to_call_partial(extract: Extract, kind: str) -> None:
    extract.sandbox.add_fault(kind)
    ended = extract()
    assert ended.code == ExitCode.UNAVAILABLE
    (error,) = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert error.startswith(f"error: extract of {len(ENDPOINTS)} endpoints: ")
    assert extract.calls == [endpoint for endpoint in ENDPOINTS for _ in range(MAX_TRIES)]


def assert_told(ended: Ended, kind: str, endpoint: str, expected: Expected) -> None:
    """The message names the endpoint and says what to do, briefly."""
    assert "Traceback" not in ended.err + ended.out
    lines = ended.err.splitlines()
    assert len(lines) <= 3
    drift = [line for line in lines if line.startswith("price drift: ")]
    assert all(endpoint in line for line in drift)
    assert bool(drift) == costs_other_than_its_rows(kind, endpoint)
    told = [line for line in lines if line not in drift]
    assert bool(told) == bool(expected.error)
    if expected.error:
        assert told[0].startswith("error: ")
        assert endpoint in told[0]
        assert [line for line in told[1:] if line.startswith("hint: ") and line.removeprefix("hint: ")]


def costs_other_than_its_rows(kind: str, endpoint: str) -> bool:
    """Whether the charge is not what the rows that came would cost."""
    return kind == "bad_price" or (kind == "empty_data" and endpoint in LISTS)


def assert_in_json(ended: Ended, endpoint: str, expected: Expected, code: ExitCode) -> None:
    assert ended.json["exit_code"] == code
    unit = ended.unit(endpoint)
    assert unit["status"] == expected.status
    if not expected.error:
        assert unit["error"] is None
        return
    assert unit["error"]["type"] == expected.error
    assert endpoint in unit["error"]["message"]
    assert unit["error"]["hint"]
    assert unit["error"]["exit_code"] == expected.alone


def assert_never_below_the_provider(extract: Extract) -> None:
    """Whatever the provider has charged is charged or still reserved here."""
    state = extract.ledger
    assert state.charged + state.reserved >= extract.provider_count
    assert state.external == 0


def calls_among_others(endpoint: str, expected: Expected) -> list[str]:
    """Return the requests of a whole extract: none comes after a refused key or used-up credits."""
    calls: list[str] = []
    for name in ENDPOINTS:
        calls += [name] * (expected.tries if name == endpoint else 1)
        if name == endpoint and expected.stops_the_run:
            break
    return calls


def assert_others_are_kept(extract: Extract, ended: Ended, endpoint: str, expected: Expected) -> None:
    """What could be fetched is in Bronze, under the run's one snapshot time."""
    asked = dict.fromkeys(calls_among_others(endpoint, expected))
    done = [name for name in asked if name != endpoint or not expected.error]
    snapshots = {moment for name in done for moment in ended.unit(name)["snapshots"]}
    assert len(snapshots) == (1 if done else 0)
    for name in ENDPOINTS:
        unit = ended.unit(name)
        assert unit["status"] == ("done" if name in done else expected.status if name == endpoint else "nothing")
        files = 2 if name == endpoint and not expected.error else 1
        assert len(extract.bronze(name)) == (files if name in done else 0)


def assert_raw_is_what_was_sent(extract: Extract, endpoint: str) -> None:
    """However odd its records, a whole answer is kept as it was sent."""
    newest = max(extract.bronze(endpoint))
    rows = pq.read_table(newest, columns=["raw"]).to_pydict()["raw"]
    sequence = max(served["sequence"] for served in extract.sandbox.served() if served["endpoint"] == endpoint)
    body = (extract.sandbox.served_body(sequence) or b"").decode()
    joined = ",".join(rows)
    assert (f"[{joined}]" if endpoint in LISTS else joined) in body


def test_stages_that_answer_an_error_are_never_charged(extract: Extract) -> None:
    for kind, fault in KINDS.items():
        if fault.stage in {Stage.REFUSAL, Stage.GATEWAY}:
            extract.sandbox.add_fault(kind)
            extract()
            extract.sandbox.clear_faults()
    assert extract.provider_count == 0
    assert (extract.ledger.charged, extract.ledger.reserved) == (0, 0)
