"""One endpoint that is refused, or meets a defect, stops that endpoint alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.api.ledger import CreditLedger
from cryptoelt.errors import EndpointRefusedError, ExitCode, InternalError, MissingInputError
from cryptoelt.extract.global_metrics_quotes_latest import GlobalMetricsExtractor
from cryptoelt.frequencies import endpoints_of
from cryptoelt.logs import configure_logging
from cryptoelt.pipeline.jobs import extract_job
from cryptoelt.results import Status
from cryptoelt.sandbox.server import SandboxServer
from tests.support.schedule import SimulatedHome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptoelt.results import Result

TEN, DAILY = endpoints_of("10x"), endpoints_of("daily")
GLOBAL = "global-metrics/quotes/latest"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A small market at a moment of its own."""
    start = datetime(2026, 11, 23, 8, tzinfo=UTC)
    with SandboxServer(seed=11, world="small", start_time=start, speed=0, minute_limit=10**6) as server:
        yield server


@pytest.fixture
def simulated(home: Path, sandbox: SandboxServer) -> SimulatedHome:
    """A home of that market."""
    return SimulatedHome.make(home, sandbox).at("2026-11-23T10:35:00Z")


def errors(result: Result) -> dict[str, str]:
    return {unit.name: type(unit.error).__name__ for unit in result.units if unit.error is not None}


def message(result: Result, endpoint: str) -> str:
    (unit,) = [unit for unit in result.units if unit.name == endpoint]
    assert unit.error is not None
    return f"{unit.error.message}; {unit.error.hint}"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("http_403_1006", "the plan of the key does not include this endpoint (HTTP 403, error code 1006"),
        ("http_403", "something between here and the API refuses this request (HTTP 403, text/html)"),
    ],
)
def test_the_others_are_asked_and_the_message_tells_plan_and_page_apart(
    simulated: SimulatedHome, sandbox: SandboxServer, fault: str, words: str
) -> None:
    sandbox.add_fault(f"{fault}@{TEN[0]}")
    result = simulated.extract("10x")

    assert result.exit_code is ExitCode.PARTIAL
    assert errors(result) == {TEN[0]: "EndpointRefusedError"}
    assert words in message(result, TEN[0])
    assert set(simulated.asked()) == set(TEN)


def test_without_its_map_an_endpoint_fails_alone_and_with_an_older_one_it_is_asked(
    simulated: SimulatedHome, sandbox: SandboxServer
) -> None:
    sandbox.add_fault("http_403_1006@exchange/map")
    first = simulated.extract("daily", due=False)
    sandbox.clear_faults()
    simulated.at("2026-11-23T11:00:00Z").do(extract_job(None, ["exchange/map"]))
    sandbox.add_fault("http_403_1006@exchange/map")
    second = simulated.at("2026-11-23T12:00:00Z").extract("daily", due=False)

    assert (first.exit_code, second.exit_code) == (ExitCode.PARTIAL, ExitCode.PARTIAL)
    assert errors(first) == {
        "exchange/map": "EndpointRefusedError",
        "exchange/assets": MissingInputError.__name__,
        "cryptocurrency/category": MissingInputError.__name__,
    }
    assert errors(second).get("exchange/assets") is None
    assert simulated.served("exchange/assets")


def test_a_scan_that_is_refused_asks_for_no_further_id(simulated: SimulatedHome, sandbox: SandboxServer) -> None:
    simulated.extract("init", due=False)
    asked = len(simulated.asked())
    sandbox.add_fault("http_403_1006@exchange/assets")
    result = simulated.at("2026-11-24T08:30:00Z").extract("daily", due=False)

    assert errors(result) == {"exchange/assets": "EndpointRefusedError"}
    assert simulated.asked()[asked:].count("exchange/assets") == 1


@pytest.mark.parametrize(("fault", "tries"), [("http_403_1006", 1), ("http_403", 3)])
def test_where_all_that_was_asked_is_refused_a_person_must_act(
    simulated: SimulatedHome, sandbox: SandboxServer, fault: str, tries: int
) -> None:
    sandbox.add_fault(fault)
    result = simulated.extract("10x")

    assert result.exit_code is ExitCode.CONFIGURATION
    assert isinstance(result.error, EndpointRefusedError)
    assert [simulated.asked().count(name) for name in TEN] == [tries] * len(TEN)


def test_key_info_behind_a_page_keeps_no_endpoint_from_being_asked(
    simulated: SimulatedHome, sandbox: SandboxServer
) -> None:
    sandbox.add_fault(f"reset@{GLOBAL}")
    simulated.extract("10x", due=False)
    sandbox.clear_faults()
    sandbox.add_fault("http_403@key/info")
    result = simulated.at("2026-11-23T10:45:00Z").extract("10x", due=False)
    assert result.exit_code is ExitCode.DONE


# --- defects ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defect", [KeyError("scan"), OSError("no such thing"), TypeError("text")])
def test_a_defect_in_one_unit_fails_that_unit_with_its_traceback_logged(
    simulated: SimulatedHome, monkeypatch: pytest.MonkeyPatch, defect: Exception
) -> None:
    def broken(*_: object) -> Any:
        raise defect

    home = simulated.settings.home
    configure_logging(home / "logs", "run-1", simulated.clock.now(), [], verbose=False)
    monkeypatch.setattr(GlobalMetricsExtractor, "parse", broken)
    result = simulated.extract("10x")

    assert result.exit_code is ExitCode.PARTIAL
    assert errors(result) == {GLOBAL: InternalError.__name__}
    assert str(defect) not in message(result, GLOBAL)
    assert [unit.name for unit in result.units if unit.status is Status.DONE] == [
        name for name in TEN if name != GLOBAL
    ]
    (log,) = (home / "logs").glob("*.jsonl")
    (line,) = [line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == "unit.failed"]
    assert type(defect).__name__ in line["traceback"]
    assert "in broken" in line["traceback"]
    ledger = CreditLedger(simulated.settings.metadata_dir, simulated.settings.budget, simulated.clock)
    assert ledger.state().open_reservations == ()  # the call was answered, and so it is settled
    journal = (simulated.settings.metadata_dir / "extract" / "global-metrics_quotes_latest.jsonl").read_text()
    assert InternalError.__name__ in journal
