"""What key/info says was used and is left, said well or badly."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.key_info import KeyReport, ask_key
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock, iso
from cryptoelt.settings import ApiSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAN = {"credit_limit_monthly": 15_000, "rate_limit_minute": 50}


@contextmanager
def serving(data: Any) -> Iterator[str]:
    """Serve one key/info whose `data` is this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = {"error_code": 0, "credit_count": 0, "timestamp": iso(datetime.now(UTC))}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": data, "status": status}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        thread.join()


def asked(home: Path, month: Any, **plan: Any) -> tuple[KeyReport, CreditLedger]:
    """Ask a key/info that says this of the month."""
    with serving({"plan": {**PLAN, **plan}, "usage": {"current_month": month}}) as url:
        settings = Settings(home=home, api=ApiSettings(base_url=url, key=SecretStr("key")))
        clock = Clock()
        ledger = CreditLedger(settings.metadata_dir, settings.budget, clock)
        with CoinMarketCapClient(settings, ledger, clock, run_id="run-1") as client:
            return ask_key(client, ledger, settings, clock), ledger


@pytest.mark.parametrize(
    "month", [None, {}, {"credits_used": 12.5}, {"credits_used": None}, {"credits_used": 10**12 + 1}]
)
def test_a_usage_that_cannot_be_read_is_told(home: Path, month: Any) -> None:
    report, ledger = asked(home, month)
    assert report.notices == ["key/info says no usable credits_used: what others spend with this key goes unseen"]
    assert not report.reconciled
    assert ledger.state().external == 0


def test_nothing_left_of_a_plan_of_which_nothing_was_used_is_not_believed(home: Path) -> None:
    report, ledger = asked(home, {"credits_used": 0, "credits_left": 0})
    assert (report.reconciled, report.notices) == (True, [])
    assert ledger.state().remaining == 9_750


def test_nothing_left_of_what_was_used_up_is_believed(home: Path) -> None:
    _, ledger = asked(home, {"credits_used": 5, "credits_left": 0})
    assert ledger.state().remaining == 0


@pytest.mark.parametrize(("day", "told"), [(28, True), (29, False), (31, False)])
def test_only_a_reset_day_that_can_be_set_is_told(home: Path, day: int, told: bool) -> None:
    reset = f"2026-12-{day}T00:00:00.000Z"
    report, _ = asked(home, {"credits_used": 0, "credits_left": 15_000}, credit_limit_monthly_reset_timestamp=reset)
    expected = [f"the credits of the key come back on day {day} of the month, budget.reset_day is 1"]
    assert report.notices == (expected if told else [])
