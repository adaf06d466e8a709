"""Answers that cannot be right: kept and marked, never built, asked again a few times, and never for ever."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from cryptoelt.api.answer import RawRecord
from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.clock import parse_iso
from cryptoelt.errors import AnswerError, UnusableAnswerError
from cryptoelt.extract import extractors
from cryptoelt.extract.cryptocurrency_category import CategoryExtractor
from cryptoelt.extract.cryptocurrency_listings_latest import ListingsExtractor
from cryptoelt.extract.paged import PagedExtractor
from cryptoelt.frequencies import Window
from cryptoelt.pipeline.status import status_report
from cryptoelt.pipeline.windows import lacking_endpoints
from cryptoelt.results import Status, exit_code_of
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ExtractSettings
from cryptoelt.transform.pending import find_pending
from tests.support.extracting import DAY, Extracting, Ran
from tests.support.schedule import SimulatedHome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.api.answer import Answer
    from cryptoelt.extract.base import ExtractContext

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T09:00:00Z"
MAP, EXCHANGES, LISTINGS = "cryptocurrency/map", "exchange/map", "cryptocurrency/listings/latest"
GLOBAL, MOOD, MOODS = "global-metrics/quotes/latest", "fear-and-greed/latest", "fear-and-greed/historical"
LIST, MEMBERS, ASSETS, INFO = (
    "cryptocurrency/categories", "cryptocurrency/category", "exchange/assets", "cryptocurrency/info",
)  # fmt: skip
TABLE = {LISTINGS: "fact_crypto_market", MAP: "dim_crypto_map", EXCHANGES: "dim_exchange_map"}
WORLD = World(categories=12, churn=False, coins=60, exchanges=11, publishers=11, wallet_rows=44)
WINDOW = Window("5x", parse_iso(START), parse_iso(START) + timedelta(minutes=110))


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    with SandboxServer(seed=7, world=WORLD, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        yield Extracting(tmp_path, server)


def in_pages_of(size: int, endpoint: str) -> type[PagedExtractor]:
    """The extractor of an endpoint with small pages."""
    parent = extractors()[endpoint]
    assert issubclass(parent, PagedExtractor)

    class SmallPages(parent):  # type: ignore[valid-type, misc]
        page_size: ClassVar[int] = size

    return SmallPages


def pending(extract: Extracting, endpoint: str) -> list[Any]:
    """The snapshots that Silver would build."""
    settings = extract.settings
    return find_pending(
        TABLE[endpoint], extract.bronze, settings.lake_root, settings.metadata_dir, extract.clock.now()
    ).snapshots


def reasons(extract: Extracting, endpoint: str) -> list[str]:
    """Why the files of an endpoint are unusable, those that are."""
    notes = [extract.bronze.footer(file).note for file in extract.bronze.files(endpoint)]
    return [note.unusable for note in notes if note.unusable]


def assert_unusable(extract: Extracting, ran: Ran, reason: str) -> None:
    """It failed, is kept with its reason, and answers nothing."""
    assert isinstance(ran.error, UnusableAnswerError), ran.error
    assert reason in ran.error.message
    assert reason in reasons(extract, ran.unit.name)[-1]
    assert (ran.unit.status, ran.unit.snapshots, ran.unit.rows_in) == (Status.FAILED, [], 0)
    assert int(exit_code_of([ran.unit])) == 1
    assert ran.snapshot not in {found.snapshot for found in extract.bronze.complete_snapshots(ran.unit.name, 5)}
    line = extract.journal(ran.unit.name)
    assert (line["status"], line["error"]["type"]) == ("failed", "UnusableAnswerError")


# --- records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "fault", "reason"),
    [
        (LISTINGS, "all_missing=price", "60 of 60 records have no price"),
        (LISTINGS, "all_missing=market_cap", "60 of 60 records have no market_cap"),
        (LISTINGS, "all_text=price", "60 of 60 records have no price"),
        (LISTINGS, "all_text", "60 of 60 records are rejected (id=wrong_type)"),
        (LISTINGS, "all_text=cmc_rank", "60 of 60 records are rejected"),
        (MAP, "all_missing=name", "records have no name"),
        (MAP, "all_missing", "records are rejected (no key)"),
        (EXCHANGES, "all_text", "records are rejected"),
        (LIST, "all_missing=market_cap", "12 of 12 records have no market_cap"),
        (LIST, "all_missing", "12 of 12 records are rejected"),
        (GLOBAL, "all_missing=total_market_cap", "1 of 1 records have no total_market_cap"),
        (GLOBAL, "all_text=btc_dominance", "1 of 1 records are rejected"),
        (MOOD, "all_missing=value", "1 of 1 records have no value"),
        (MOODS, "all_text=value", "have no value"),
    ],
)
def test_an_answer_whose_records_are_worth_nothing_is_kept_and_marked(
    extract: Extracting, endpoint: str, fault: str, reason: str
) -> None:
    extract.sandbox.add_fault(f"{fault}@{endpoint}")
    ran = extract(endpoint)

    assert_unusable(extract, ran, reason)
    assert len(ran.calls) == 1
    assert extract.bronze.read_file(extract.bronze.files(endpoint)[0], ["raw"]).num_rows > 0
    assert [found for found in extract.bronze.snapshots(endpoint) if extract.bronze.has_rows(found)] == []


@pytest.mark.parametrize("fault", ["wrong_type=price", "missing_field=market_cap", "all_text=date_added"])
def test_a_third_of_odd_records_or_a_field_that_no_table_has_are_no_reason(extract: Extracting, fault: str) -> None:
    extract.sandbox.add_fault(f"{fault}@{LISTINGS}")
    ran = extract(LISTINGS)

    assert (ran.error, ran.unit.status, reasons(extract, LISTINGS)) == (None, Status.DONE, [])
    assert [found.snapshot for found in pending(extract, LISTINGS)] == [ran.snapshot]


def test_an_answer_of_another_shape_is_kept_as_it_came(extract: Extracting) -> None:
    class Reshaped(ListingsExtractor):
        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            answer = super()._ask(snapshot, rows, **parameters)
            return dataclasses.replace(answer, records=[RawRecord({"1": {}}, '{"1": {}}')], is_list=False)

    ran = extract(LISTINGS, cls=Reshaped)

    assert_unusable(extract, ran, "it is a single record, a list was expected")
    assert extract.rows(ran, "raw") == [{"raw": '{"1": {}}'}]


def test_the_share_is_a_setting_and_takes_whatever_comes_at_one(extract: Extracting) -> None:
    extract.sandbox.add_fault(f"wrong_type=price@{LISTINGS}")
    strict = Extracting(extract.home, extract.sandbox, {"extract": ExtractSettings(unusable_share=0.2)})
    assert_unusable(extract, strict(LISTINGS), "20 of 60 records have no price")

    extract.sandbox.clear_faults()
    extract.sandbox.add_fault(f"all_text@{LISTINGS}")
    lenient = Extracting(extract.home, extract.sandbox, {"extract": ExtractSettings(unusable_share=1)})
    assert lenient(LISTINGS).error is None


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("endpoint", "rows"), [(MAP, 20), (EXCHANGES, 4), (LIST, 3)])
def test_a_list_far_shorter_than_the_last_is_unusable_and_the_next_is_compared_with_the_last_good_one(
    extract: Extracting, endpoint: str, rows: int
) -> None:
    good = extract(endpoint)
    extract.sandbox.add_fault(f"short_list={rows}@{endpoint}*2")
    for _ in range(2):
        assert_unusable(extract, extract(endpoint), f"{rows} records came, {good.unit.rows_in} are known")
    again = extract(endpoint)

    assert again.error is None
    assert [found.snapshot for found in extract.bronze.complete_snapshots(endpoint, 5)] == [
        good.snapshot,
        again.snapshot,
    ]


@pytest.mark.parametrize(
    ("rows", "told"), [(50, ["cryptocurrency/map: only 50 records came, 60 were known"]), (55, [])]
)
def test_a_list_that_shrank_a_little_is_taken_and_told_of(extract: Extracting, rows: int, told: list[str]) -> None:
    good = extract(MAP)
    extract.sandbox.add_fault(f"short_list={rows}@{MAP}")
    ran = extract(MAP)

    assert (good.unit.rows_in, good.unit.notices) == (60, [])
    assert (ran.error, ran.unit.status) == (None, Status.DONE)
    assert ran.unit.notices == told


def test_the_first_listing_is_compared_with_the_map_and_with_what_was_asked(extract: Extracting) -> None:
    extract(MAP)
    extract.sandbox.add_fault(f"short_list=20@{LISTINGS}")
    assert_unusable(extract, extract(LISTINGS), "20 records came, 60 are known")

    few = Extracting(extract.home, extract.sandbox, {"extract": ExtractSettings(listings_limit=20)})
    assert few(LISTINGS).error is None


def test_a_listing_is_told_of_where_it_is_shorter_than_the_last_not_than_the_map(extract: Extracting) -> None:
    extract(MAP)
    extract.sandbox.add_fault(f"short_list=45@{LISTINGS}*3")
    first, second = extract(LISTINGS), extract(LISTINGS)
    extract.sandbox.clear_faults()
    extract(LISTINGS)
    extract.sandbox.add_fault(f"short_list=45@{LISTINGS}")

    assert [first.unit.notices, second.unit.notices] == [[], []]
    assert extract(LISTINGS).unit.notices == [f"{LISTINGS}: only 45 records came, 60 were known"]


def test_a_listing_without_a_map_is_compared_with_the_one_before(extract: Extracting) -> None:
    extract(LISTINGS)
    extract.sandbox.add_fault(f"short_list=20@{LISTINGS}")
    assert_unusable(extract, extract(LISTINGS), "20 records came, 60 are known")


def test_the_older_listing_says_itself_how_many_there_are(extract: Extracting) -> None:
    older = Extracting(extract.home, extract.sandbox, {"extract": ExtractSettings(listings_version="v1")})
    extract.sandbox.add_fault(f"short_list=20@{LISTINGS}")
    assert_unusable(extract, older(LISTINGS), "20 records came, 60 are known")


@pytest.mark.parametrize("endpoint", [MAP, EXCHANGES, LIST])
def test_a_list_of_others_is_unusable_however_long_it_is(extract: Extracting, endpoint: str) -> None:
    class Others(extractors()[endpoint]):  # type: ignore[misc]
        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            answer: Answer = super()._ask(snapshot, rows, **parameters)
            values = [{**record.value, "id": _another(record.value["id"])} for record in answer.records]
            return dataclasses.replace(answer, records=[RawRecord(value, json.dumps(value)) for value in values])

    good = extract(endpoint)
    ran = extract(endpoint, cls=Others)

    assert_unusable(extract, ran, f"0 of {good.unit.rows_in} known ids are left")
    assert extract(endpoint).error is None


def _another(id_: int | str) -> int | str:
    return id_.swapcase() if isinstance(id_, str) else id_ + 1_000_000


@pytest.mark.parametrize("endpoint", [MAP, EXCHANGES, LISTINGS])
def test_a_total_that_is_not_documented_rejects_no_list(extract: Extracting, endpoint: str) -> None:
    class Counted(in_pages_of(5, endpoint)):  # type: ignore[misc]
        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            answer: Answer = super()._ask(snapshot, rows, **parameters)
            return dataclasses.replace(answer, total_count=36_000)

    ran = extract(endpoint, cls=Counted)

    assert (ran.error, ran.unit.status) == (None, Status.DONE)
    assert extract.journal(endpoint)["is_complete"]


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", [MAP, EXCHANGES, LISTINGS])
def test_a_page_that_comes_again_ends_a_list_that_would_never_end(extract: Extracting, endpoint: str) -> None:
    extract.sandbox.add_fault(f"ignored_start@{endpoint}")
    ran = extract(endpoint, cls=in_pages_of(5, endpoint))

    assert_unusable(extract, ran, "5 of 5 records are of what had come already")
    assert len(ran.calls) == 2
    assert len(extract.bronze.files(endpoint)) == 2
    assert pending(extract, endpoint) == [], "the first page is of the same answer"


def test_a_server_that_sends_all_at_once_is_taken_at_its_word(extract: Extracting) -> None:
    extract.sandbox.add_fault(f"ignored_limit@{MAP}")
    ran = extract(MAP, cls=in_pages_of(5, MAP))

    assert (ran.error, ran.unit.rows_in, len(ran.calls)) == (None, 60, 2)
    assert ran.unit.notices == ["cryptocurrency/map: 60 rows came where 5 were asked for"]
    assert extract.journal(MAP)["is_complete"]


def test_a_last_page_that_repeats_a_record_of_a_list_that_moved_is_good(extract: Extracting) -> None:
    class Moved(in_pages_of(20, MAP)):  # type: ignore[misc]
        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            start = "60" if parameters["start"] == "61" else parameters["start"]
            answer: Answer = super()._ask(snapshot, rows, **{**parameters, "start": start})
            return answer

    ran = extract(MAP, cls=Moved)

    assert (ran.error, ran.unit.rows_in, len(ran.calls)) == (None, 61, 4)


def test_a_last_page_that_wholly_repeats_an_earlier_one_is_unusable(extract: Extracting) -> None:
    class Repeated(in_pages_of(50, MAP)):  # type: ignore[misc]
        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            start = "41" if parameters["start"] == "51" else parameters["start"]
            answer: Answer = super()._ask(snapshot, rows, **{**parameters, "start": start})
            records = answer.records[:10] if start == "41" else answer.records
            return dataclasses.replace(answer, records=records)

    assert_unusable(extract, extract(MAP, cls=Repeated), "10 of 10 records are of what had come already")


def test_pages_that_go_on_beyond_all_there_can_be_are_ended(extract: Extracting) -> None:
    class FewCoins(in_pages_of(5, MAP)):  # type: ignore[misc]
        def __init__(self, context: ExtractContext) -> None:
            super().__init__(context)
            self.endpoint = dataclasses.replace(ENDPOINTS[MAP], most_rows=12)

    ran = extract(MAP, cls=FewCoins)

    assert_unusable(extract, ran, "it goes on after 15 rows, there cannot be more than 12")
    assert len(ran.calls) == 3


# --- scans ------------------------------------------------------------------------------------------------------------


def test_a_category_whose_pages_repeat_costs_two_calls_and_is_asked_again(extract: Extracting) -> None:
    class SmallPages(CategoryExtractor):
        page_size: ClassVar[int] = 2

    extract.init(LIST)
    extract.sandbox.add_fault(f"ignored_start@{MEMBERS}")
    (ran,) = extract.init(MEMBERS, cls=SmallPages)
    per_id = {id_: ran.ids.count(id_) for id_ in ran.ids}

    assert isinstance(ran.error, UnusableAnswerError)
    assert max(per_id.values()) == 2
    assert len(per_id) <= 12
    assert "2 of 2 coins are of what had come already" in reasons(extract, MEMBERS)


def test_a_category_that_goes_on_beyond_all_there_can_be_is_ended(extract: Extracting) -> None:
    class FewCoins(CategoryExtractor):
        page_size: ClassVar[int] = 2

        def __init__(self, context: ExtractContext) -> None:
            super().__init__(context)
            self.endpoint = dataclasses.replace(ENDPOINTS[MEMBERS], most_rows=3)

    extract.init(LIST)
    (ran,) = extract.init(MEMBERS, cls=FewCoins)

    assert isinstance(ran.error, UnusableAnswerError)
    assert max(ran.ids.count(id_) for id_ in ran.ids) == 2
    assert "it goes on after 4 coins, there cannot be more than 3" in reasons(extract, MEMBERS)


def test_an_unusable_answer_for_an_id_is_none_and_the_others_are_kept(extract: Extracting) -> None:
    extract.init(EXCHANGES)
    extract.sandbox.add_fault(f"all_text=balance@{ASSETS}*1")
    (ran,) = extract.init(ASSETS)
    (again,) = extract.init(ASSETS)

    assert isinstance(ran.error, UnusableAnswerError)
    assert ran.unit.status is Status.PARTIAL
    assert len(reasons(extract, ASSETS)) == 1
    assert again.error is None
    first, _ = extract.bronze.snapshots(ASSETS)
    built = extract.bronze.footer_of(first)
    assert built.rows == ran.unit.rows_in > 0
    assert len(built.files) == len(first.files) - 1


def test_a_batch_of_infos_without_names_is_no_answer_for_any_of_them(extract: Extracting) -> None:
    extract.init(MAP)
    extract.sandbox.add_fault(f"all_missing=name@{INFO}*1")
    (ran,) = extract.init(INFO)
    (snapshot,) = extract.bronze.snapshots(INFO)
    assert_unusable(extract, ran, "60 of 60 records have no name")
    (again,) = extract.init(INFO)

    assert extract.bronze.footer_of(snapshot).rows == 0
    assert not extract.bronze.has_rows(snapshot)
    assert (again.error, again.unit.rows_in) == (None, 60)


# --- windows ----------------------------------------------------------------------------------------------------------


def test_a_window_is_open_after_an_unusable_answer_and_asked_no_more_than_three_times(extract: Extracting) -> None:
    extract.sandbox.add_fault(f"all_missing=price@{LISTINGS}")
    tried = [extract(LISTINGS, window=WINDOW) for _ in range(5)]
    still_lacking = lacking_endpoints(extract.bronze, WINDOW)
    extract.sandbox.clear_faults()
    by_hand = extract(LISTINGS)
    next_window = Window("5x", WINDOW.start + timedelta(hours=2))
    extract.sandbox.advance(7200)
    next_ = extract(LISTINGS, window=next_window)

    assert [len(ran.calls) for ran in tried] == [1, 1, 1, 0, 0]
    assert [ran.credits for ran in tried] == [1, 1, 1, 0, 0]
    assert all(isinstance(ran.error, UnusableAnswerError) for ran in tried)
    assert tried[3].error is not None
    assert "3 answers in this window could not be right" in tried[3].error.message
    assert still_lacking == [LISTINGS]
    assert (by_hand.error, next_.error) == (None, None)
    assert lacking_endpoints(extract.bronze, next_window) == []


def test_a_window_whose_answer_becomes_good_again_is_answered(extract: Extracting) -> None:
    extract.sandbox.add_fault(f"all_text@{LISTINGS}*2")
    ran = [extract(LISTINGS, window=WINDOW) for _ in range(3)][-1]

    assert ran.error is None
    assert lacking_endpoints(extract.bronze, WINDOW) == []
    assert [found.snapshot for found in pending(extract, LISTINGS)] == [ran.snapshot]


def test_an_exchange_that_never_answers_well_is_asked_three_times_a_window(extract: Extracting) -> None:
    extract(EXCHANGES)
    window = Window("daily", WINDOW.start, WINDOW.start + timedelta(hours=12))
    everyone = Extracting(extract.home, extract.sandbox, {"extract": ExtractSettings(rotation_days=1)})
    everyone.sandbox.add_fault(f"all_text=balance@{ASSETS}")
    runs = [everyone(ASSETS, window=window) for _ in range(5)]
    asked = [id_ for ran in runs for id_ in ran.ids]

    assert runs[0].ids
    assert max(asked.count(id_) for id_ in asked) == 3
    assert runs[-1].calls == []
    assert isinstance(runs[-1].error, UnusableAnswerError)
    assert "not asked again in it" in runs[-1].error.message
    extract.sandbox.clear_faults()
    extract.sandbox.advance(DAY)
    assert everyone(ASSETS).error is None


def test_firings_end_in_failure_until_one_is_answered_well(tmp_path: Path) -> None:
    with SandboxServer(seed=7, world=WORLD, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        home = SimulatedHome.make(tmp_path, server)
        server.add_fault(f"all_missing=price@{LISTINGS}*2")
        results = [home.at(f"2026-11-23T09:{minute:02}:00Z").extract("5x") for minute in (5, 15, 25)]
        freshness = status_report(home.settings, home.bronze, home.clock, 7).as_json()["freshness"]

    assert [int(result.exit_code) for result in results] == [1, 1, 0]
    assert [result.units[0].status for result in results] == [Status.FAILED, Status.FAILED, Status.DONE]
    assert len(home.served(LISTINGS)) == 3
    assert [one["snapshot"] for one in freshness if one["endpoint"] == LISTINGS] == ["2026-11-23T09:25:00Z"]


def test_among_others_an_unusable_answer_is_partial_and_no_news(tmp_path: Path) -> None:
    with SandboxServer(seed=7, world=WORLD, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        home = SimulatedHome.make(tmp_path, server)
        server.add_fault(f"all_missing=value@{MOOD}")
        result = home.at("2026-11-23T10:30:00Z").extract("10x")
        freshness = status_report(home.settings, home.bronze, home.clock, 7).as_json()["freshness"]

    assert int(result.exit_code) == 3
    assert [one["snapshot"] for one in freshness if one["endpoint"] == MOOD] == [None]


def test_an_answer_of_nothing_leaves_no_file(extract: Extracting) -> None:
    extract.sandbox.add_fault(f"empty_data@{GLOBAL}")
    ran = extract(GLOBAL)

    assert isinstance(ran.error, AnswerError)
    assert extract.bronze.files(GLOBAL) == []
