"""Lists of several pages: maps arrive whole with what changed, listings as one table whatever the version."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from cryptoelt.errors import AnswerError, ApiUnavailableError
from cryptoelt.extract import extractors
from cryptoelt.extract.cryptocurrency_listings_latest import ListingsExtractor
from cryptoelt.extract.paged import PagedExtractor
from cryptoelt.results import Status
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ExtractSettings
from tests.support.extracting import DAY, Extracting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.api.answer import Answer

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T08:20:00Z"
COINS, EXCHANGES, LISTINGS = "cryptocurrency/map", "exchange/map", "cryptocurrency/listings/latest"
SENTIMENT = "fear-and-greed/historical"
PAGE_OF = {COINS: 25, EXCHANGES: 6, LISTINGS: 25, SENTIMENT: 500}


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    with SandboxServer(
        seed=7, world="small-churn", start_time=START, speed=0, refresh=1, minute_limit=100_000
    ) as server:
        yield Extracting(tmp_path, server)


def small_pages(endpoint: str) -> type[PagedExtractor]:
    """The extractor of an endpoint, with pages so small that there are several."""
    parent = extractors()[endpoint]
    assert issubclass(parent, PagedExtractor)

    class SmallPages(parent):  # type: ignore[valid-type, misc]
        page_size: ClassVar[int] = PAGE_OF[endpoint]

    return SmallPages


@pytest.mark.parametrize("endpoint", [COINS, EXCHANGES, LISTINGS, SENTIMENT])
def test_every_record_of_every_page_arrives(extract: Extracting, endpoint: str) -> None:
    ran = extract(endpoint, cls=small_pages(endpoint))
    sent = [record for call in ran.calls for record in extract.served(call)]
    rows = extract.rows(ran, "raw")
    line = extract.journal(endpoint)

    assert len(ran.calls) >= 3
    assert [json.loads(row["raw"]) for row in rows] == sent
    assert (line["rows"], line["pages"], line["is_complete"]) == (len(sent), len(ran.calls), True)
    assert line["credits"] == ran.credits
    assert (ran.unit.status, ran.unit.rows_in, ran.unit.snapshots) == (Status.DONE, len(sent), [ran.snapshot])


@pytest.mark.parametrize("endpoint", [COINS, EXCHANGES])
def test_the_maps_hold_everyone_who_is_active(extract: Extracting, endpoint: str) -> None:
    paged, whole = extract(endpoint, cls=small_pages(endpoint)), extract(endpoint)
    ids = [row["id"] for row in extract.rows(paged, "id")]

    assert len(whole.calls) == 1
    assert sorted(ids) == sorted(record["id"] for record in extract.served(whole.calls[0]))
    assert len(set(ids)) == len(ids)


def test_a_last_page_that_is_full_is_followed_by_an_empty_one(extract: Extracting) -> None:
    (call,) = extract(EXCHANGES).calls

    class Full(small_pages(EXCHANGES)):  # type: ignore[misc]
        page_size: ClassVar[int] = len(extract.served(call))

    ran = extract(EXCHANGES, cls=Full)

    assert [len(extract.served(call)) for call in ran.calls] == [Full.page_size, 0]
    assert extract.journal(EXCHANGES)["is_complete"]
    assert extract.bronze.complete_snapshots(EXCHANGES, 1)[0].snapshot == ran.snapshot


@pytest.mark.parametrize("endpoint", [COINS, EXCHANGES, LISTINGS])
def test_a_second_page_that_fails_keeps_the_first_and_the_next_run_asks_again(
    extract: Extracting, endpoint: str
) -> None:
    extract.sandbox.add_fault("http_503", endpoint=endpoint, skip=1)
    ran = extract(endpoint, cls=small_pages(endpoint))
    line = extract.journal(endpoint)

    assert isinstance(ran.error, ApiUnavailableError)
    assert (ran.unit.status, line["status"], line["is_complete"]) == (Status.PARTIAL, "partial", False)
    assert (line["rows"], line["pages"]) == (PAGE_OF[endpoint], 1)
    assert len(extract.rows(ran, "id")) == PAGE_OF[endpoint]
    assert extract.bronze.complete_snapshots(endpoint, 1) == []

    extract.sandbox.clear_faults()
    again = extract(endpoint, cls=small_pages(endpoint))

    assert [call["parameters"]["start"] for call in again.calls][:2] == ["1", str(PAGE_OF[endpoint] + 1)]
    assert [found.snapshot for found in extract.bronze.complete_snapshots(endpoint, 2)] == [again.snapshot]
    assert len(extract.rows(again, "id")) == sum(len(extract.served(call)) for call in again.calls)


@pytest.mark.parametrize("endpoint", [COINS, EXCHANGES, LISTINGS, SENTIMENT])
def test_an_answer_without_rows_is_no_snapshot(extract: Extracting, endpoint: str) -> None:
    extract.sandbox.add_fault("empty_data", endpoint=endpoint)
    ran = extract(endpoint)

    assert isinstance(ran.error, AnswerError)
    assert ran.unit.status is Status.FAILED
    assert len(ran.calls) == 1
    assert extract.bronze.files(endpoint) == []


# --- what changed -----------------------------------------------------------------------------------------------------


def differences(extract: Extracting, endpoint: str, names: tuple[str, ...], others: tuple[str, ...]) -> dict[str, Any]:
    """Compare the last two answers of the sandbox, as its bodies say."""
    calls = [call for call in extract.sandbox.served() if call["endpoint"] == endpoint][-2:]
    before, now = ({record["id"]: record for record in extract.served(call)} for call in calls)

    def differing(fields: tuple[str, ...]) -> set[int]:
        return {
            id_
            for id_ in before.keys() & now.keys()
            if any(_field(before[id_], name) != _field(now[id_], name) for name in fields)
        }

    return {
        "new": now.keys() - before.keys(),
        "gone": before.keys() - now.keys(),
        "renamed": differing(names),
        "changed": differing(others),
    }


def _field(record: dict[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return value


@pytest.mark.parametrize(
    ("endpoint", "others", "kinds"),
    [
        (COINS, ("platform.slug", "platform.token_address"), {"new", "gone", "renamed", "changed"}),
        (EXCHANGES, ("is_redistributable", "is_listed"), {"new", "gone", "renamed"}),
    ],
)
def test_the_journal_tells_who_is_new_gone_renamed_and_changed_since_the_last_map(
    extract: Extracting, endpoint: str, others: tuple[str, ...], kinds: set[str]
) -> None:
    names = ("name", "symbol", "slug") if endpoint == COINS else ("name", "slug")
    first = extract(endpoint)
    assert extract.journal(endpoint)["changes"] is None

    before, seen = first, set()
    for _ in range(8):
        extract.sandbox.advance(3 * DAY)
        ran = extract(endpoint)
        told = extract.journal(endpoint)["changes"]
        expected = differences(extract, endpoint, names, others)
        assert {kind: set(told[kind]["ids"]) for kind in expected} == expected
        assert {kind: told[kind]["count"] for kind in expected} == {kind: len(ids) for kind, ids in expected.items()}
        assert told["since"] == before.snapshot.isoformat().replace("+00:00", "Z")
        seen |= {kind for kind, ids in expected.items() if ids}
        before = ran
    assert seen >= kinds


def test_a_map_is_compared_with_the_last_whole_one(extract: Extracting) -> None:
    whole = extract(COINS)
    extract.sandbox.advance(5 * DAY)
    extract.sandbox.add_fault("http_503", endpoint=COINS, skip=1)
    extract(COINS, cls=small_pages(COINS))
    extract.sandbox.clear_faults()
    extract(COINS)

    told = extract.journal(COINS)["changes"]
    assert told["since"] == whole.snapshot.isoformat().replace("+00:00", "Z")
    assert told["new"]["count"] > 0


def test_a_damaged_former_map_costs_the_comparison_and_not_the_new_map(extract: Extracting) -> None:
    extract(COINS)
    (file,) = extract.bronze.files(COINS)
    extract.spoil(file)
    ran = extract(COINS)

    assert (ran.error, ran.unit.status) == (None, Status.DONE)
    assert (extract.journal(COINS)["changes"], extract.journal(COINS)["is_complete"]) == (None, True)


# --- listings ---------------------------------------------------------------------------------------------------------


def test_both_versions_give_the_same_columns(tmp_path: Path) -> None:
    tables = []
    with SandboxServer(seed=7, world="small", start_time=START, speed=0) as server:
        for version in ("v3", "v1"):
            options = {"extract": ExtractSettings(listings_version=version)}
            extract = Extracting(tmp_path / version, server, options)
            ran = extract(LISTINGS)
            assert ran.error is None
            assert [call["path"] for call in ran.calls] == [f"/{version}/cryptocurrency/listings/latest"]
            names = [column.name for column in ListingsExtractor.columns]
            tables.append(extract.rows(ran, "unfit", "record_number", *names))
    v3, v1 = tables

    assert len(v3) == 60
    assert v3 == v1
    assert all(row["unfit"] is None and row["price"] is not None and row["batch_index"] == 1 for row in v3)


def test_five_thousand_coins_are_one_call(extract: Extracting) -> None:
    ran = extract(LISTINGS)

    assert [(call["parameters"]["start"], call["parameters"]["limit"]) for call in ran.calls] == [("1", "5000")]
    assert ran.unit.planned == 20
    assert len(extract.bronze.files(LISTINGS)) == 1


def test_a_full_page_of_as_many_coins_as_are_wanted_is_the_last(extract: Extracting, tmp_path: Path) -> None:
    few = Extracting(tmp_path / "few", extract.sandbox, {"extract": ExtractSettings(listings_limit=25)})
    ran = few(LISTINGS, cls=small_pages(LISTINGS))

    assert (len(ran.calls), ran.unit.rows_in) == (1, 25)
    assert few.journal(LISTINGS)["is_complete"]


def test_only_as_many_coins_as_configured_are_asked_for(tmp_path: Path, extract: Extracting) -> None:
    few = Extracting(tmp_path / "few", extract.sandbox, {"extract": ExtractSettings(listings_limit=40)})
    ran = few(LISTINGS, cls=small_pages(LISTINGS))

    assert [call["parameters"]["limit"] for call in ran.calls] == ["25", "15"]
    rows = few.rows(ran, "id", "batch_index")
    assert [row["batch_index"] for row in rows] == [1] * 25 + [2] * 15
    assert len({row["id"] for row in rows}) == 40


@pytest.mark.parametrize(("kind", "is_complete"), [("duplicate_record", False), ("unknown_field", True)])
def test_a_coin_that_comes_twice_is_recorded_as_a_hole(extract: Extracting, kind: str, is_complete: bool) -> None:
    extract.sandbox.add_fault(kind, endpoint=LISTINGS, times=1)
    ran = extract(LISTINGS)
    line = extract.journal(LISTINGS)

    assert (line["rows"], line["distinct"], line["repeated"]) == (
        ran.unit.rows_in,
        ran.unit.rows_in - (not is_complete),
        int(not is_complete),
    )
    assert line["is_complete"] is is_complete


def test_a_coin_that_moves_to_the_next_page_meanwhile_is_recorded_as_a_hole(extract: Extracting) -> None:
    class Moving(small_pages(LISTINGS)):  # type: ignore[misc]
        """The market moves on for a month between two pages."""

        def page_constants(self, page: int) -> dict[str, Any]:
            extract.sandbox.advance(30 * DAY)
            return dict(super().page_constants(page))

    ran = extract(LISTINGS, cls=Moving)
    ids = [row["id"] for row in extract.rows(ran, "id")]
    line = extract.journal(LISTINGS)

    assert len(set(ids)) < len(ids)
    assert (line["repeated"], line["is_complete"]) == (len(ids) - len(set(ids)), False)
    assert not extract.bronze.footer(extract.bronze.files(LISTINGS)[-1]).note.clean


@pytest.mark.parametrize(("wanted", "sent", "is_complete"), [(5000, 60, True), (5000, 59, False), (20, 20, True)])
def test_the_first_version_says_how_many_coins_there_are_and_fewer_are_a_hole(
    tmp_path: Path, wanted: int, sent: int, is_complete: bool
) -> None:
    class Short(ListingsExtractor):
        """Asks an API that leaves out the last coins."""

        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            answer = super()._ask(snapshot, rows, **parameters)
            return dataclasses.replace(answer, records=answer.records[:sent])

    with SandboxServer(seed=7, world="small", start_time=START, speed=0) as server:
        asked = ExtractSettings(listings_version="v1", listings_limit=wanted)
        extract = Extracting(tmp_path, server, {"extract": asked})
        extract(LISTINGS, cls=Short)
    line = extract.journal(LISTINGS)

    assert (line["total_count"], line["rows"], line["is_complete"]) == (60, sent, is_complete)


def test_the_history_of_sentiment_is_asked_to_its_first_day(extract: Extracting) -> None:
    ran = extract(SENTIMENT)
    days = [int(row["timestamp"]) for row in extract.rows(ran, "timestamp")]

    assert [call["parameters"]["start"] for call in ran.calls] == ["1", "501", "1001"]
    assert len(days) >= 1000
    assert {later - earlier for later, earlier in pairwise(days)} == {86_400}
