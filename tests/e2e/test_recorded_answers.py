"""Real recorded answers go through extract, transform and load, and every value comes out as it was recorded.

The recordings are not part of the project (they are not ours to publish), so these tests run only where they lie beside
the checkout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import parse_iso
from cryptoelt.tables import TABLES
from tests.e2e.evidence import assert_row, rows, url_of
from tests.e2e.expected import category_attributes, category_fact, global_fact, sentiment_fact
from tests.e2e.support import Cli, home_env

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.e2e.evidence import Row

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "payloads"
CATEGORIES = RECORDINGS / "cryptocurrency_categories" / "2022-10-27_18rows_noenvelope.json"
GLOBAL = RECORDINGS / "global_metrics_quotes_latest" / "2025-02-08.json"
SENTIMENT = RECORDINGS / "fear_and_greed_latest" / "2025-02-08.json"

pytestmark = pytest.mark.skipif(
    not all(path.is_file() for path in (CATEGORIES, GLOBAL, SENTIMENT)),
    reason=f"the recorded API answers are not on this machine ({RECORDINGS})",
)


class Replay(ThreadingHTTPServer):
    """Answers the paths of the API with recorded bodies, byte for byte."""

    daemon_threads = True

    def __init__(self, bodies: dict[str, bytes]) -> None:
        self.bodies = bodies
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Replay

    def do_GET(self) -> None:
        body = self.server.bodies.get(self.path.partition("?")[0], b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Replayed:
    """The recordings, and the warehouse they were loaded into."""

    url: str
    snapshot: datetime
    categories: list[Row]
    market: Row
    sentiment: Row
    phases: list[dict[str, Any]]

    def read(self, table: str) -> list[Row]:
        return rows(self.url, f"SELECT * FROM dwh.{table}")


@pytest.fixture(scope="module")
def replayed(make_embedded_home: Callable[[str], Path]) -> Iterator[Replayed]:
    """Serve the recordings, and run the three phases over them one by one."""
    categories, market, sentiment = CATEGORIES.read_bytes(), GLOBAL.read_bytes(), SENTIMENT.read_bytes()
    status = (
        b'{"timestamp":"2022-10-27T00:00:00.000Z","error_code":0,"error_message":null,"elapsed":9,"credit_count":2}'
    )
    server = Replay(
        {
            "/v1/cryptocurrency/categories": b'{"status":' + status + b',"data":' + categories + b"}",
            "/v1/global-metrics/quotes/latest": market,
            "/v3/fear-and-greed/latest": sentiment,
        }
    )
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    home = make_embedded_home("recorded")
    cli = Cli(home, home_env(home, API__BASE_URL=f"http://127.0.0.1:{server.server_port}", API__KEY="recorded"))
    phases = []
    for phase in ("extract", "transform", "load"):
        finished = cli(phase, "--freq", "10x", "--json")
        assert finished.code == 0, finished.told
        phases.append(finished.json())
    server.shutdown()
    thread.join()
    server.server_close()
    (snapshot,) = {moment for phase in phases for unit in phase["units"] for moment in unit["snapshots"]}
    yield Replayed(
        url_of(home),
        parse_iso(snapshot),
        json.loads(categories),
        json.loads(market)["data"],
        json.loads(sentiment)["data"],
        phases,
    )


def test_recorded_categories_arrive_as_they_were_recorded(replayed: Replayed) -> None:
    facts = {row["category_id"]: row for row in replayed.read("fact_crypto_category")}
    dimension = {row["category_id"]: row for row in replayed.read("dim_crypto_category")}
    assert len(facts) == len(dimension) == len(replayed.categories) == 18
    for record in replayed.categories:
        assert_row(facts[record["id"]], category_fact(record, replayed.snapshot))
        assert_row(dimension[record["id"]], category_attributes(record))


def test_the_recorded_market_arrives_as_it_was_recorded(replayed: Replayed) -> None:
    (row,) = replayed.read("fact_global_market")
    assert_row(row, global_fact(replayed.market, replayed.snapshot))


def test_keys_that_the_recording_lacks_are_null_and_cost_no_snapshot(replayed: Replayed) -> None:
    assert "tracked_yearly_number" not in replayed.market
    assert "today_incremental_crypto_number" not in replayed.market
    (row,) = replayed.read("fact_global_market")
    missing = {name for name in row if "daily_new_cryptos" in name or "new_cryptos" in name}
    assert len(missing) == 9
    assert {row[name] for name in missing} == {None}


def test_the_recorded_sentiment_arrives_as_it_was_recorded(replayed: Replayed) -> None:
    (row,) = replayed.read("fact_market_sentiment")
    assert_row(row, sentiment_fact(replayed.sentiment, replayed.snapshot))


def test_no_recorded_record_is_lost_or_quarantined(replayed: Replayed) -> None:
    assert rows(replayed.url, "SELECT * FROM ops.quarantine") == []
    for phase in replayed.phases:
        assert phase["notices"] == []
        for unit in phase["units"]:
            endpoint = unit["name"] if unit["phase"] == "extract" else TABLES[unit["name"]].endpoint
            records = 18 if endpoint == "cryptocurrency/categories" else 1
            counts = [unit[name] for name in ("rows_in", "rows_loaded", "rows_present", "rows_quarantined")]
            assert counts == [records, records, 0, 0], unit
