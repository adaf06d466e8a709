"""Every fault of the sandbox x every kind of extractor: `extract` ends in its code and says what to do about it.

It keeps what it has, calls no more than it should, and is as good as new once the fault is gone.

The command line runs in this process and the sandbox serves all of it, because two runs for each cell would otherwise
take many minutes. Endpoints of one kind share their code and differ in columns and prices, so one of each kind meets
every fault, and the others a fault for each way of ending; each endpoint is struck among all the others, too. The rest
of the product, every fault x every endpoint, is left to `make full`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest

from cryptoelt import cli
from cryptoelt.api.catalogue import ENDPOINTS, Shape
from cryptoelt.api.ledger import CreditLedger, LedgerState
from cryptoelt.clock import Clock
from cryptoelt.errors import ExitCode
from cryptoelt.extract import extractors
from cryptoelt.extract.base import BaseExtractor
from cryptoelt.extract.keyed import KeyedScanExtractor
from cryptoelt.extract.paged import PagedExtractor
from cryptoelt.extract.scan import ScanExtractor
from cryptoelt.sandbox.accounts import account_name
from cryptoelt.sandbox.endpoints import ENDPOINTS as SANDBOX_ENDPOINTS
from cryptoelt.sandbox.faults import KINDS, Stage
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings
from tests.support.in_process import as_it_was

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _pytest.mark.structures import ParameterSet

pytestmark = pytest.mark.usefixtures("quick_disk")

MAX_TRIES, FEW_TRIES, PAID_TRIES = 5, 3, 2
#: Large enough that nobody of a whole batch can be unknown by chance, and every exchange has assets.
#: All exchanges hold wallets and one of them says so: it is asked each day, the others are in rotation.
WORLD = World(categories=3, churn=False, coins=60, exchanges=11, publishers=11, undeclared=10, wallet_rows=22)
EXCHANGE_INFO, COIN_INFO, ASSETS = "exchange/info", "cryptocurrency/info", "exchange/assets"
CATEGORY, HISTORY = "cryptocurrency/category", "fear-and-greed/historical"
#: Endpoints whose price grows with their rows, so that an empty answer is too dear for what it is.
DEAR_WITH_ROWS = {"cryptocurrency/categories"}
#: Whom the others are asked from.
LISTED = ("exchange/map", "cryptocurrency/map", "cryptocurrency/categories")
#: Good calls of an endpoint that makes several; three ids in a row without an answer end a scan, too.
CALLS = {CATEGORY: 3, HISTORY: 3}
#: An id is looked for by halves before a refusal is nobody's fault.
MOST_CALLS_OF_A_BATCH = 40


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
        return "refused" if self.stops_the_run or self.alone is ExitCode.CONFIGURATION else "failed"


KEPT = Expected(ExitCode.DONE, ExitCode.DONE, "")
REJECTED = Expected(ExitCode.FAILED, ExitCode.PARTIAL, "RequestRejectedError")
UNUSABLE = Expected(ExitCode.FAILED, ExitCode.PARTIAL, "AnswerError")
#: Kept, and marked: the one record of the answer is worth nothing.
MARKED = Expected(ExitCode.FAILED, ExitCode.PARTIAL, "UnusableAnswerError")
KEY_REFUSED = Expected(ExitCode.CONFIGURATION, ExitCode.CONFIGURATION, "CredentialsError")
#: One endpoint alone: by the plan, or by something on the way, which may pass.
ENDPOINT_REFUSED = Expected(ExitCode.CONFIGURATION, ExitCode.PARTIAL, "EndpointRefusedError")
ENDPOINT_REFUSED_ON_THE_WAY = replace(ENDPOINT_REFUSED, tries=FEW_TRIES)
CREDITS_GONE = Expected(ExitCode.BUDGET, ExitCode.BUDGET, "BudgetError")
AWAY = Expected(ExitCode.UNAVAILABLE, ExitCode.PARTIAL, "ApiUnavailableError", MAX_TRIES)
BUSY_OR_GONE = replace(AWAY, tries=FEW_TRIES)
#: Paid, and not to be read.
UNREADABLE = replace(AWAY, tries=PAID_TRIES)
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
    "http_403": ENDPOINT_REFUSED_ON_THE_WAY,
    "http_403_1006": ENDPOINT_REFUSED,
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
    "cut_off": UNREADABLE,
    "html": UNREADABLE,
    "empty_body": UNREADABLE,
    "error_in_200": BUSY_OR_GONE,
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

#: Endpoints whose answer is one record, and the faults that make a record rejected or leave out what it is asked for.
SINGLE = {"global-metrics/quotes/latest", "fear-and-greed/latest"}
ODD_RECORD = {"wrong_type", "missing_field", "nan_token", "nul_in_text", "lone_surrogate"}
#: Endpoints whose answer has records that can be repeated.
LISTS = {endpoint.name for endpoint in SANDBOX_ENDPOINTS.values() if endpoint.answers_list} & set(ENDPOINTS)
#: One endpoint for each kind of extractor: a record, a list, pages, a scan, a scan in batches with keys.
OF_EACH_KIND = ("fear-and-greed/latest", "cryptocurrency/categories", HISTORY, CATEGORY, COIN_INFO)
#: What the others are struck by each time: asked again, good but empty, kept with odd records.
OTHERS_MEET = ("http_503", "empty_data", "wrong_type", "missing_field", "null_record")
#: Waits for every try of every id.
SLOWEST = ("slow", CATEGORY)
#: Every way of ending, and every endpoint.
AMONG_OTHERS = {
    ("http_400", "exchange/map"),
    ("http_429_1011", EXCHANGE_INFO),
    ("empty_data", ASSETS),
    ("http_402_1003", "cryptocurrency/map"),
    ("http_403_1006", "cryptocurrency/categories"),
    ("no_data", COIN_INFO),
    ("error_in_200", "cryptocurrency/listings/latest"),
    ("bad_price", "cryptocurrency/categories"),
    ("wrong_type", CATEGORY),
    ("http_403", "global-metrics/quotes/latest"),
    ("http_429_1008", "fear-and-greed/latest"),
    ("html", "fear-and-greed/latest"),
    ("http_429_1009", HISTORY),
}


def cell(kind: str, endpoint: str, *, each_time: bool) -> ParameterSet:
    return pytest.param(kind, endpoint, id=f"{kind}-{endpoint}", marks=[] if each_time else [pytest.mark.full])


CELLS = [
    cell(
        kind,
        endpoint,
        each_time=(endpoint in OF_EACH_KIND or kind in OTHERS_MEET) and (kind, endpoint) != SLOWEST,
    )
    for endpoint in ENDPOINTS
    for kind in KINDS
    if endpoint in LISTS or not KINDS[kind].needs_list
]
#: Beside those that are struck each time, each kind of fault with one endpoint.
AMONG = [cell(kind, endpoint, each_time=True) for kind, endpoint in sorted(AMONG_OTHERS)] + [
    cell(kind, endpoint, each_time=False)
    for number, kind in enumerate(KINDS)
    for fitting in [[name for name in ENDPOINTS if name in LISTS or not KINDS[kind].needs_list]]
    for endpoint in [fitting[number % len(fitting)]]
    if (kind, endpoint) not in AMONG_OTHERS
]


def expected_of(kind: str, endpoint: str) -> Expected:
    """Return how it ends; an exchange without assets is no error, and what is odd about the only record is."""
    if (kind, endpoint) == ("empty_data", ASSETS):
        return KEPT
    return MARKED if endpoint in SINGLE and kind in ODD_RECORD else EXPECTED[kind]


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
        self._key = uuid4().hex
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        self._seen = 0

    def __call__(self, *arguments: str, read_timeout: float = 60) -> Ended:
        environment = {
            "CRYPTOELT_API__BASE_URL": self.sandbox.base_url,
            "CRYPTOELT_API__KEY": self._key,
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
        return int(self.sandbox.usage()["keys"][account_name(self._key)]["credits"])

    def bronze(self, endpoint: str = "") -> dict[Path, str]:
        """The checksum of every Bronze file."""
        files = sorted((self.home / "lake" / "bronze" / endpoint).rglob("*.parquet"))
        return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def serving() -> Iterator[SandboxServer]:
    """The sandbox of all cells; each has a key, and so an account, of its own."""
    with SandboxServer(seed=7, world=WORLD, refresh=1, minute_limit=100_000) as server:
        yield server


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory, serving: SandboxServer) -> Path:
    """A lake that knows whom can be asked."""
    home = tmp_path_factory.mktemp("lists")
    with as_it_was(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOELT_HOME", str(home))
        patch.setenv("CRYPTOELT_API__BASE_URL", serving.base_url)
        patch.setenv("CRYPTOELT_API__KEY", "lists")
        assert cli.run(["extract", *(word for name in LISTED for word in ("--endpoint", name))]) == 0
    return home / "lake"


@pytest.fixture
def extract(
    home: Path, lists: Path, serving: SandboxServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Extract]:
    """Run commands in this process, in a home that knows whom to ask."""
    shutil.copytree(lists, home / "lake")
    monkeypatch.delenv("CMC_API_KEY", raising=False)
    with as_it_was():
        yield Extract(home, serving, monkeypatch, capfd)
    serving.clear_faults()


def test_every_fault_of_the_sandbox_has_an_expectation() -> None:
    assert set(EXPECTED) == set(KINDS)


@pytest.mark.parametrize(("kind", "endpoint"), CELLS)
def test_extract_is_loud_about_a_fault_and_recovers_from_it(extract: Extract, kind: str, endpoint: str) -> None:
    expected = expected_of(kind, endpoint)
    before = extract.bronze()
    extract.sandbox.add_fault(kind, endpoint=endpoint)

    ended = extract("--endpoint", endpoint, "--json", read_timeout=patience(kind))
    assert ended.code == expected.alone, ended.err
    assert_told(ended, kind, endpoint, expected)
    assert_in_json(ended, endpoint, expected, expected.alone)
    assert_calls(extract.calls, kind, endpoint, expected)
    assert_never_below_the_provider(extract)
    if KINDS[kind].stage in {Stage.REFUSAL, Stage.GATEWAY}:
        assert (extract.provider_count, extract.ledger.charged, extract.ledger.reserved) == (0, 0, 0)
    kept = extract.bronze()
    assert before.items() <= kept.items()
    assert len(kept) - len(before) == files_kept(endpoint, expected)
    if not expected.error:
        assert_raw_is_what_was_sent(extract, endpoint)

    extract.sandbox.clear_faults()
    ended = extract("--endpoint", endpoint)
    assert (ended.code, ended.err) == (0, "")
    assert kept.items() < extract.bronze().items()
    if expected.error:
        assert extract.calls == [endpoint] * CALLS.get(endpoint, 1)
    state = extract.ledger
    assert (state.charged, state.reserved, state.external) == (extract.provider_count, 0, 0)


@pytest.mark.parametrize(("kind", "endpoint"), AMONG)
def test_a_fault_of_one_endpoint_costs_no_other_anything(extract: Extract, kind: str, endpoint: str) -> None:
    expected = expected_of(kind, endpoint)
    before = extract.bronze()
    extract.sandbox.add_fault(kind, endpoint=endpoint)

    ended = extract("--json", read_timeout=patience(kind))
    assert ended.code == expected.among_others, ended.err
    assert_told(ended, kind, endpoint, expected)
    assert_in_json(ended, endpoint, expected, expected.among_others)
    assert_others_are_kept(extract, ended, endpoint, expected)
    assert_never_below_the_provider(extract)
    kept = extract.bronze()
    assert before.items() <= kept.items()

    extract.sandbox.clear_faults()
    ended = extract("--json")
    assert (ended.code, ended.err) == (0, "")
    assert {unit["status"] for unit in ended.json["units"]} == {"done"}
    assert kept.items() < extract.bronze().items()
    state = extract.ledger
    assert (state.charged, state.reserved, state.external) == (extract.provider_count, 0, 0)


def test_every_endpoint_and_every_way_of_ending_is_struck_among_the_others() -> None:
    assert {endpoint for _, endpoint in AMONG_OTHERS} == set(ENDPOINTS)
    assert {expected_of(kind, endpoint) for kind, endpoint in AMONG_OTHERS} == set(EXPECTED.values())


def test_every_kind_of_extractor_meets_every_fault() -> None:
    bases: tuple[type, ...] = (ScanExtractor, PagedExtractor, KeyedScanExtractor, BaseExtractor)
    kinds = {name: [base for base in bases if issubclass(extractor, base)] for name, extractor in extractors().items()}
    assert {tuple(kinds[name]) for name in OF_EACH_KIND} == set(map(tuple, kinds.values()))


def test_a_fault_that_passes_within_the_tries_is_no_failure(extract: Extract) -> None:
    for endpoint in ENDPOINTS:
        extract.sandbox.add_fault("http_503", endpoint=endpoint, times=MAX_TRIES - 1)
    ended = extract()
    assert (ended.code, ended.err) == (0, "")
    counts = Counter(extract.calls)
    assert counts == {name: MAX_TRIES - 1 + CALLS.get(name, 1) + (name == ASSETS) for name in ENDPOINTS}
    assert extract.ledger.charged == extract.provider_count


@pytest.mark.parametrize("kind", ["http_429_1011", "http_503", "reset_charged", "html"])
def test_a_fault_of_every_endpoint_leaves_nothing_to_call_partial(extract: Extract, kind: str) -> None:
    extract.sandbox.add_fault(kind)
    ended = extract()
    assert ended.code == ExitCode.UNAVAILABLE
    (error,) = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert error.startswith(f"error: extract of {len(ENDPOINTS)} endpoints: ")
    assert Counter(extract.calls) == {name: EXPECTED[kind].tries * (3 if name == CATEGORY else 1) for name in ENDPOINTS}


def files_kept(endpoint: str, expected: Expected) -> int:
    """Return how many files one command leaves: also of an answer that is kept although it is unusable."""
    return 0 if expected.error and expected is not MARKED else CALLS.get(endpoint, 1)


def patience(kind: str) -> float:
    """Short enough to be worth waiting for many times, and far longer than a good answer of the sandbox takes."""
    return 0.25 if kind == "slow" else 60.0


def assert_calls(calls: list[str], kind: str, endpoint: str, expected: Expected) -> None:
    """No request is made in vain: none after what stops the run, no more than five tries, no more than three ids."""
    assert set(calls) == {endpoint}
    if expected.stops_the_run:
        assert len(calls) == 1
    elif not expected.error:
        assert len(calls) == CALLS.get(endpoint, 1)
    elif kind == "http_400" and endpoint in {EXCHANGE_INFO, COIN_INFO}:
        assert len(calls) < MOST_CALLS_OF_A_BATCH
    else:
        ids = 3 if endpoint == CATEGORY and expected.error != ENDPOINT_REFUSED.error else 1
        assert len(calls) == expected.tries * ids


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
    return kind == "bad_price" or (kind == "empty_data" and endpoint in DEAR_WITH_ROWS)


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


def assert_others_are_kept(extract: Extract, ended: Ended, endpoint: str, expected: Expected) -> None:
    """What could be fetched is in Bronze, under the run's one snapshot time; nothing is asked once a run is stopped."""
    order = list(ENDPOINTS)
    asked = order[: order.index(endpoint) + 1] if expected.stops_the_run else order
    done = [name for name in asked if name != endpoint or not expected.error]
    snapshots = {moment for name in done for moment in ended.unit(name)["snapshots"]}
    assert len(snapshots) == (1 if done else 0)
    assert set(extract.calls) == set(asked)
    for name in ENDPOINTS:
        unit = ended.unit(name)
        assert unit["status"] == ("done" if name in done else expected.status if name == endpoint else "nothing")
        files = files_kept(name, expected if name == endpoint else KEPT) if name in asked else 0
        declared = name == ASSETS and name in done and EXCHANGE_INFO in done
        assert len(extract.bronze(name)) == files + (name in LISTED) + declared, name


def assert_raw_is_what_was_sent(extract: Extract, endpoint: str) -> None:
    """However odd its records, a whole answer is kept as it was sent."""
    newest = max(extract.bronze(endpoint))
    rows = pq.read_table(newest, columns=["raw"]).to_pydict()["raw"]
    sequence = max(served["sequence"] for served in extract.sandbox.served() if served["endpoint"] == endpoint)
    body = (extract.sandbox.served_body(sequence) or b"").decode()
    if ENDPOINTS[endpoint].shape is Shape.LIST:
        assert f"[{','.join(rows)}]" in body
    elif ENDPOINTS[endpoint].shape is Shape.COINS:
        assert f"[{','.join(rows[1:])}]" in body
    else:
        assert all(row in body for row in rows)
    assert rows or endpoint == ASSETS
