"""A machine that sleeps: the calendar goes on, the time of the run does not; no new data gets an old window."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import parse_iso
from cryptoelt.errors import UnusableAnswerError, WindowClosedError
from cryptoelt.frequencies import Window
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from tests.support.extracting import Extracting, SandboxTime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T09:00:00Z"
LISTINGS, MAP, INFO, ASSETS = "cryptocurrency/listings/latest", "exchange/map", "exchange/info", "exchange/assets"
WINDOW = Window("daily", parse_iso(START), parse_iso(START) + timedelta(minutes=110))
LATE = "it came after its window had closed"


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    world = World(categories=2, churn=False, coins=12, exchanges=4, publishers=4, wallet_rows=12)
    with SandboxServer(seed=7, world=world, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        yield Extracting(tmp_path, server)


class Asleep(SandboxTime):
    """The time on a machine that sleeps two hours while the first answer of an endpoint is under way.

    Its `monotonic` stands still meanwhile, and knows nothing of it.
    """

    def __init__(self, sandbox: SandboxServer, endpoint: str) -> None:
        super().__init__(sandbox)
        self._served = sandbox.served
        self._endpoint = endpoint

    def now(self) -> datetime:
        has_slept = any(call["endpoint"] == self._endpoint for call in self._served())
        return super().now() + timedelta(hours=2 if has_slept else 0)


@pytest.mark.parametrize("endpoint", [LISTINGS, MAP])
def test_nothing_is_asked_for_a_window_that_has_ended(extract: Extracting, endpoint: str) -> None:
    extract.sandbox.advance(7200)
    ran = extract(endpoint, window=WINDOW)

    assert isinstance(ran.error, WindowClosedError)
    assert (ran.calls, extract.bronze.files(endpoint)) == ([], [])


@pytest.mark.parametrize("endpoint", [LISTINGS, MAP])
def test_an_answer_that_came_after_its_window_is_kept_and_answers_nothing(extract: Extracting, endpoint: str) -> None:
    extract.clock = Asleep(extract.sandbox, endpoint)
    ran = extract(endpoint, window=WINDOW)
    (file,) = extract.bronze.files(endpoint)

    assert isinstance(ran.error, UnusableAnswerError)
    assert extract.bronze.footer(file).note.unusable == LATE
    assert extract.bronze.read_file(file, ["raw"]).num_rows > 0
    assert extract.bronze.complete_snapshots(endpoint, 1) == []
    assert extract(endpoint).error is None, "by hand there is no window"


@pytest.mark.parametrize("endpoint", [INFO, ASSETS])
def test_a_scan_ends_with_the_window_that_a_machine_slept_through(extract: Extracting, endpoint: str) -> None:
    extract(MAP, window=WINDOW)
    extract.clock = Asleep(extract.sandbox, endpoint)
    ran = extract(endpoint, window=WINDOW)

    assert isinstance(ran.error, (UnusableAnswerError, WindowClosedError))
    assert len(ran.calls) == 1
    assert (ran.unit.rows_in, ran.unit.snapshots) == (0, [])
    notes = [extract.bronze.footer(file).note for file in extract.bronze.files(endpoint)]
    assert [note.unusable for note in notes] == [LATE]
