"""Answers that are paid and cannot be read: asked for twice, and by a window no more than a few times."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import parse_iso
from cryptoelt.errors import ApiUnavailableError, UnusableAnswerError
from cryptoelt.extract.cryptocurrency_map import CryptocurrencyMapExtractor
from cryptoelt.frequencies import Window
from cryptoelt.pipeline.windows import lacking_endpoints
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from tests.support.extracting import Extracting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T09:00:00Z"
LISTINGS, MAP = "cryptocurrency/listings/latest", "cryptocurrency/map"
WINDOW = Window("5x", parse_iso(START), parse_iso(START) + timedelta(minutes=110))


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    world = World(categories=2, churn=False, coins=12, exchanges=4)
    with SandboxServer(seed=7, world=world, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        yield Extracting(tmp_path, server)


@pytest.mark.parametrize("fault", ["html", "cut_off", "empty_body"])
def test_a_window_pays_six_times_for_what_cannot_be_read(extract: Extracting, fault: str) -> None:
    extract.sandbox.add_fault(f"{fault}@{LISTINGS}")
    tried = [extract(LISTINGS, window=WINDOW) for _ in range(5)]
    notes = [extract.bronze.footer(file).note for file in extract.bronze.files(LISTINGS)]

    assert [len(ran.calls) for ran in tried] == [2, 2, 2, 0, 0]
    assert [type(ran.error) for ran in tried] == [ApiUnavailableError] * 3 + [UnusableAnswerError] * 2
    assert [ran.unit.snapshots for ran in tried] == [[]] * 5
    assert [note.unusable for note in notes] == ["it could not be read"] * 3
    assert [bool(note.call_id) for note in notes] == [True] * 3
    assert lacking_endpoints(extract.bronze, WINDOW) == [LISTINGS]


def test_by_hand_it_leaves_no_file(extract: Extracting) -> None:
    extract.sandbox.add_fault(f"html@{LISTINGS}*2")
    ran = extract(LISTINGS)

    assert isinstance(ran.error, ApiUnavailableError)
    assert len(ran.calls) == 2
    assert extract.bronze.files(LISTINGS) == []
    assert extract(LISTINGS, window=WINDOW).error is None


def test_a_page_that_cannot_be_read_is_not_built_with_those_before_it(extract: Extracting) -> None:
    class FaultyEnd(CryptocurrencyMapExtractor):
        page_size = 5

        def page_constants(self, page: int) -> dict[str, object]:
            extract.sandbox.add_fault(f"html@{MAP}*2")  # the next page's
            return super().page_constants(page)

    ran = extract(MAP, cls=FaultyEnd, window=WINDOW)
    (snapshot,) = extract.bronze.snapshots(MAP)

    assert isinstance(ran.error, ApiUnavailableError)
    assert [file.part for file in snapshot.files] == [1, 2]
    assert ran.unit.snapshots == []
    assert not extract.bronze.has_rows(snapshot)
