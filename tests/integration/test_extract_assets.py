"""The scan of exchange assets: one call an exchange, durable one by one, resumed, and spread over the days."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import iso
from cryptoelt.errors import (
    AnswerError,
    ApiUnavailableError,
    BudgetError,
    ExitCode,
    RequestRejectedError,
    StoppedError,
)
from cryptoelt.extract.exchange_assets import ExchangeAssetsExtractor
from cryptoelt.frequencies import INIT, Window
from cryptoelt.results import Status
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ExtractSettings
from tests.support.extracting import DAY, Extracting, Killed, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.extract.scan import Part

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T08:20:00Z"
EXCHANGES, ASSETS = "exchange/map", "exchange/assets"
ROTATION = 4


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    """A small market of 14 exchanges of which five publish assets, and a rotation of few days."""
    with SandboxServer(seed=7, world="small", start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        extracting = Extracting(tmp_path, server, {"extract": ExtractSettings(rotation_days=ROTATION)})
        extracting(EXCHANGES)
        yield extracting


def exchanges(extract: Extracting) -> list[str]:
    found = extract.bronze.complete_snapshots(EXCHANGES, 1)[0]
    return [str(id_) for id_ in extract.bronze.read(found, ["id"])["id"].to_pylist()]


def publishers(ran: Ran) -> set[str]:
    return {call["parameters"]["id"] for call in ran.calls if call["records"]}


def test_init_asks_every_exchange_once_and_every_row_arrives_as_sent(extract: Extracting) -> None:
    (ran,) = extract.init(ASSETS)
    rows = extract.rows(ran, "exchange_id", "raw", "platform_name", "wallet_address", "crypto_id")

    assert ran.ids == exchanges(extract)
    assert len(publishers(ran)) == 5
    sent = [(int(call["parameters"]["id"]), record) for call in ran.calls for record in extract.served(call)]
    assert [(row["exchange_id"], json.loads(row["raw"])) for row in rows] == sent
    assert len(extract.bronze.files(ASSETS)) == len(ran.calls) == ran.unit.planned == ran.credits
    chains: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        chains.setdefault((row["wallet_address"], row["crypto_id"]), set()).add(row["platform_name"])
    assert max(len(names) for names in chains.values()) > 1


class KilledInTheMiddle(ExchangeAssetsExtractor):
    """Dies when four answers are durable and the fifth is in hand."""

    kept = 4

    def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
        for part in super().ask(ids, snapshot):
            if len(self.context.bronze.files(ASSETS)) == self.kept:
                raise Killed
            yield part


def test_an_init_killed_in_the_middle_asks_only_for_what_is_missing_even_days_later(extract: Extracting) -> None:
    ids, window = exchanges(extract), Window(INIT, extract.clock.now())
    assert [call["parameters"]["id"] for call in extract.killed(ASSETS, KilledInTheMiddle, window=window)] == ids[:5]

    extract.sandbox.advance(3 * DAY)
    again = extract(ASSETS, window=window)

    assert again.ids == ids[4:]
    rows = [row for ran in extract.bronze.snapshots(ASSETS) for row in extract.bronze.read(ran, ["raw"]).to_pylist()]
    assert len(rows) == sum(len(extract.served(call)) for call in again.calls) + sum(
        len(extract.served(call)) for call in extract.sandbox.served()[1:5]
    )
    assert extract.journal(ASSETS)["is_complete"]
    assert extract(ASSETS, window=window).calls == []


def test_a_killed_scan_is_gone_on_with_on_the_same_day_and_begun_anew_on_the_next(extract: Extracting) -> None:
    extract.init(ASSETS)
    extract.next_weekday()

    class Killing(KilledInTheMiddle):
        kept = len(exchanges(extract)) + 2

    planned = extract.journal(ASSETS)["planned"]
    assert planned == 14
    asked = [call["parameters"]["id"] for call in extract.killed(ASSETS, Killing)]
    assert len(asked) == 3
    extract.sandbox.advance(3600)
    resumed = extract(ASSETS)
    assert resumed.ids[0] == asked[2]
    assert not set(resumed.ids) & set(asked[:2])
    assert Counter(asked[:2] + resumed.ids).most_common(1)[0][1] == 1

    by_hand = extract(ASSETS)
    assert set(by_hand.ids) >= publishers(resumed)

    extract.next_weekday()
    Killing.kept = len(extract.bronze.files(ASSETS)) + 2
    asked = [call["parameters"]["id"] for call in extract.killed(ASSETS, Killing)]
    extract.next_weekday()
    assert set(asked[:2]) <= set(extract(ASSETS).ids)


def test_an_unfinished_init_of_another_day_is_not_gone_on_with_by_hand(extract: Extracting) -> None:
    window = Window(INIT, extract.clock.now())
    extract.killed(ASSETS, KilledInTheMiddle, window=window)
    extract.next_weekday()

    class Killing(KilledInTheMiddle):
        kept = 6

    extract.killed(ASSETS, Killing, window=window)
    by_hand = extract(ASSETS)

    assert extract.journal(ASSETS)["scan"] == iso(by_hand.snapshot)
    assert len(by_hand.calls) < 8


def test_each_window_has_a_scan_of_its_own_and_a_resumed_one_keeps_its_window(extract: Extracting) -> None:
    extract.init(ASSETS)
    extract.next_weekday()
    now = extract.clock.now()
    daily = Window("daily", now, now + timedelta(hours=12))
    extract.sandbox.add_fault("http_429_1010", endpoint=ASSETS, skip=2, times=1)
    first = extract(ASSETS, window=daily)
    assert isinstance(first.error, BudgetError)
    assert first.unit.status is Status.REFUSED
    by_hand = extract(ASSETS)

    assert by_hand.ids[0] == first.ids[2]
    assert not set(by_hand.ids) & set(first.ids[:2])
    assert extract(ASSETS, window=daily).calls == []
    notes = [extract.bronze.footer(file).note for file in extract.bronze.files(ASSETS, after=first.snapshot)]
    assert {note.window for note in notes} == {daily.start}

    extract.next_weekday()
    tomorrow = extract.clock.now()
    later = extract(ASSETS, window=Window("daily", tomorrow, tomorrow + timedelta(hours=12)))
    assert set(later.ids) >= publishers(first) | publishers(by_hand)


def test_a_run_that_is_asked_to_stop_ends_after_the_exchange_at_work(extract: Extracting) -> None:
    class Stopping(ExchangeAssetsExtractor):
        def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
            yield from super().ask(ids, snapshot)
            if len(self.context.bronze.files(ASSETS)) == 3:
                self.context.clock.stop.set(ExitCode.TERMINATED)

    window = Window(INIT, extract.clock.now())
    ran = extract(ASSETS, window=window, cls=Stopping)

    assert isinstance(ran.error, StoppedError)
    assert ran.ids == exchanges(extract)[:3]
    assert extract.journal(ASSETS)["parts"] == 3


# --- rotation ---------------------------------------------------------------------------------------------------------


def test_publishers_are_asked_every_day_and_everybody_within_the_rotation(extract: Extracting) -> None:
    (first,) = extract.init(ASSETS)
    active, everyone = publishers(first), set(exchanges(extract))
    last = dict.fromkeys(everyone, 0)
    sizes = set()
    for day in range(1, 3 * ROTATION + 1):
        extract.next_weekday()
        ran = extract(ASSETS)
        assert active <= set(ran.ids)
        assert Counter(ran.ids).most_common(1)[0][1] == 1
        sizes.add(len(set(ran.ids) - active))
        last |= dict.fromkeys(ran.ids, day)
        assert day - min(last.values()) < ROTATION + 1
    assert sizes == {3}


def test_without_an_init_everybody_is_asked_within_the_rotation_too(extract: Extracting) -> None:
    asked: set[str] = set()
    for _ in range(ROTATION + 1):
        asked |= set(extract(ASSETS).ids)
        extract.next_weekday()
    assert asked == set(exchanges(extract))


def test_an_exchange_that_is_new_on_the_map_is_asked_first(tmp_path: Path) -> None:
    with SandboxServer(
        seed=7, world="small-churn", start_time=START, speed=0, refresh=1, minute_limit=100_000
    ) as server:
        extract = Extracting(tmp_path, server)
        (_, first) = extract.init(EXCHANGES, ASSETS)
        known, new = set(first.ids), set[str]()
        while not new:
            extract.next_weekday()
            extract(EXCHANGES)
            new = set(exchanges(extract)) - known
            ran = extract(ASSETS)
            known |= set(ran.ids)

    assert new & set(ran.ids)


@pytest.mark.parametrize("kind", ["http_503", "no_data", "http_404"])
def test_an_exchange_that_fails_today_is_asked_again_today_and_tomorrow_and_holds_up_nobody(
    extract: Extracting, kind: str
) -> None:
    (first,) = extract.init(ASSETS)
    active = publishers(first)
    extract.next_weekday()
    tries = 5 if kind == "http_503" else 1
    extract.sandbox.add_fault(kind, endpoint=ASSETS, skip=1, times=tries)
    ran = extract(ASSETS)
    (failed,) = extract.journal(ASSETS)["failed"]

    assert isinstance(ran.error, ApiUnavailableError | AnswerError | RequestRejectedError)
    assert ran.unit.status is Status.PARTIAL
    assert failed in active
    assert len(set(ran.ids)) == len(active) + 3
    assert failed in ran.error.message

    extract.sandbox.add_fault(kind, endpoint=ASSETS, times=tries)
    assert set(extract(ASSETS).ids) == {failed}
    extract.next_weekday()
    assert failed in extract(ASSETS).ids
    assert failed in {str(row["exchange_id"]) for row in all_rows(extract)}


def all_rows(extract: Extracting) -> list[dict[str, int]]:
    newest = extract.bronze.snapshots(ASSETS)[-1]
    return extract.bronze.read(newest, ["exchange_id"]).to_pylist()


def test_one_empty_answer_does_not_take_a_publisher_out_for_weeks(extract: Extracting) -> None:
    (first,) = extract.init(ASSETS)
    extract.next_weekday()
    extract.sandbox.add_fault("empty_data", endpoint=ASSETS, times=1)
    slipped = extract(ASSETS).ids[0]
    assert slipped in publishers(first)
    extract.next_weekday()

    assert slipped in extract(ASSETS).ids


def test_an_exchange_that_publishes_no_more_leaves_the_daily_set(extract: Extracting) -> None:
    (first,) = extract.init(ASSETS)
    (silent, *_) = sorted(publishers(first))

    class Silent(ExchangeAssetsExtractor):
        """One exchange has taken its wallets back."""

        def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
            for part in super().ask(ids, snapshot):
                if ids == (silent,):
                    part = type(part)(part.rows.slice(0, 0), part.clean, ids, part.answer)
                yield part

    asked = []
    for _ in range(12):
        extract.next_weekday()
        asked.append(silent in extract(ASSETS, cls=Silent).ids)
    assert all(asked[:5])
    assert asked[8:].count(True) <= 2


@pytest.mark.parametrize("kind", ["http_503", "no_data", "http_400"])
def test_a_scan_that_nothing_answers_gives_up_and_nobody_is_done(tmp_path: Path, kind: str) -> None:
    with SandboxServer(seed=7, world="small", start_time=START, speed=0, minute_limit=100_000) as server:
        extract = Extracting(tmp_path, server)
        extract(EXCHANGES)
        server.add_fault(kind, endpoint=ASSETS)
        (ran,) = extract.init(ASSETS)

        assert ran.error is not None
        assert len(set(ran.ids)) == (10 if kind == "no_data" else 3)
        assert extract.bronze.files(ASSETS) == []
        server.clear_faults()
        (again,) = extract.init(ASSETS)

    assert len(again.ids) == 14


def test_an_exchange_that_the_api_refuses_is_named_and_asked_again_by_the_next_scan(extract: Extracting) -> None:
    bad = exchanges(extract)[3]
    extract.sandbox.add_fault("refused_id", endpoint=ASSETS, value=bad)
    (ran,) = extract.init(ASSETS)

    assert (ran.error, ran.unit.status) == (None, Status.DONE)
    assert ran.unit.notices == [f"{ASSETS}: the API refuses id {bad}; asked again by the next scan"]
    assert len(ran.calls) == 14
    extract.next_weekday()
    assert bad in extract(ASSETS).ids
