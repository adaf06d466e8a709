"""Members of categories: who is asked when, within the share of credits, and all pages of a large one."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from cryptoelt.errors import ApiUnavailableError, UnusableAnswerError
from cryptoelt.extract.cryptocurrency_category import CategoryExtractor
from cryptoelt.results import Status
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings
from tests.support.extracting import DAY, Extracting, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.api.answer import Answer

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-02T08:20:00Z"
LIST, MEMBERS = "cryptocurrency/categories", "cryptocurrency/category"
STILL = World(categories=12, churn=False, coins=60, exchanges=2, publishers=1, wallet_rows=4)
SLOW = World(categories=14, churn=True, coins=60, haste=1.0, exchanges=2, publishers=1, wallet_rows=4)
MOVING = World(categories=24, churn=True, coins=60, haste=4.0, exchanges=2, publishers=1, wallet_rows=4)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Extracting]]:
    """Make a market and what extracts it, with the categories asked once by an init."""
    servers: list[SandboxServer] = []

    def start(world: World, *, init: bool = True, **budget: Any) -> Extracting:
        server = SandboxServer(seed=7, world=world, start_time=START, speed=0, refresh=1, minute_limit=100_000)
        servers.append(server.start())
        extract = Extracting(tmp_path, server, {"budget": BudgetSettings(**budget)})
        if init:
            extract.init(LIST, MEMBERS)
        else:
            extract(LIST)
        return extract

    yield start
    for server in servers:
        server.stop()


def sizes(extract: Extracting) -> dict[str, int]:
    """The number of coins of every category in the newest list."""
    rows = extract.bronze.read(extract.bronze.complete_snapshots(LIST, 1)[0], ["id", "num_tokens"])
    return {row["id"]: row["num_tokens"] for row in rows.to_pylist()}


def members(extract: Extracting, ran: Ran) -> dict[str, set[int]]:
    """The coins of every category that a run asked, as Bronze has them."""
    found: dict[str, set[int]] = {id_: set() for id_ in ran.ids}
    if found:
        for row in extract.rows(ran, "category_id", "crypto_id", "is_member"):
            if row["is_member"]:
                found[row["category_id"]].add(row["crypto_id"])
    return found


def test_init_asks_every_category_outside_of_the_share(make: Callable[..., Extracting]) -> None:
    extract = make(STILL, category_share=0.0)
    calls = [call for call in extract.sandbox.served() if call["endpoint"] == MEMBERS]
    rows = [
        row
        for found in extract.bronze.snapshots(MEMBERS)
        for row in extract.bronze.read(
            found, ["category_id", "category_name", "num_tokens", "crypto_id", "is_member", "is_last_page", "raw"]
        ).to_pylist()
    ]

    assert [call["parameters"]["id"] for call in calls] == list(sizes(extract))
    sent = [(call["parameters"]["id"], coin) for call in calls for coin in extract.served(call)["coins"]]
    assert [(row["category_id"], json.loads(row["raw"])) for row in rows if row["is_member"]] == sent
    heads = [row for row in rows if not row["is_member"]]
    for row, call in zip(heads, calls, strict=True):
        category = extract.served(call)
        del category["coins"]
        assert json.loads(row["raw"]) == category
        assert (row["category_name"], row["num_tokens"]) == (category["name"], category["num_tokens"])
    assert all(row["is_last_page"] for row in rows)

    extract.next_weekday()
    assert extract(MEMBERS).calls == []
    full = Extracting(extract.home, extract.sandbox)
    assert len(full(MEMBERS).calls) == 1


def test_a_second_scan_of_the_day_asks_nobody_again_whose_number_is_the_same(make: Callable[..., Extracting]) -> None:
    extract = make(MOVING, init=False, category_share=0.5)
    first = extract(MEMBERS)
    assert set(first.ids) == sizes(extract).keys()
    extract.sandbox.advance(4 * 3600)

    assert extract(MEMBERS).calls == []


def test_a_list_that_counts_otherwise_than_the_answers_is_no_change(make: Callable[..., Extracting]) -> None:
    class CountsOtherwise(CategoryExtractor):
        """Asks an API whose answers count three coins more than its list."""

        def parse(self, answer: Answer) -> Any:
            for number, record in enumerate(super().parse(answer)):
                if number == 0:
                    record.value["category"]["num_tokens"] += 3
                yield record

    extract = make(STILL, init=False)
    extract.init(MEMBERS, cls=CountsOtherwise)
    extract.next_weekday()
    extract(LIST)

    assert len(extract(MEMBERS, cls=CountsOtherwise).calls) == 1


@pytest.mark.parametrize("sent", ["many", None, 1.5, True])
def test_a_number_of_coins_that_is_none_is_not_compared(make: Callable[..., Extracting], sent: Any) -> None:
    class Odd(CategoryExtractor):
        def parse(self, answer: Answer) -> Any:
            for number, record in enumerate(super().parse(answer)):
                if number == 0:
                    record.value["category"]["num_tokens"] = sent
                yield record

    extract = make(STILL, init=False)
    extract.init(MEMBERS, cls=Odd)
    extract.next_weekday()
    extract(LIST)

    assert (extract(MEMBERS).error, extract.journal(MEMBERS)["planned"]) == (None, 1)


def test_new_categories_come_first_then_whose_turn_it_is_then_the_largest_change(
    make: Callable[..., Extracting],
) -> None:
    extract = make(MOVING)
    known = dict.fromkeys(sizes(extract), 0)
    counts = sizes(extract)
    new_in_all = changed_in_all = 0
    for day in range(1, 11):
        extract.next_weekday()
        extract(LIST)
        now = sizes(extract)
        ran = extract(MEMBERS)
        new = [id_ for id_ in now if id_ not in known]
        change = {id_: abs(now[id_] - counts[id_]) for id_ in now if id_ in known and now[id_] != counts[id_]}
        assert ran.ids[: len(new)] == new
        assert change.keys() <= set(ran.ids)
        last = [id_ for id_ in ran.ids[len(new) + 2 :] if id_ in change]
        assert [change[id_] for id_ in last] == sorted((change[id_] for id_ in last), reverse=True)
        assert len(ran.ids) <= len(new) + len(change) + 2
        for id_ in ran.ids:
            known[id_], counts[id_] = day, now[id_]
        new_in_all, changed_in_all = new_in_all + len(new), changed_in_all + len(change)
    assert new_in_all > 0
    assert changed_in_all > 5


def test_over_sixty_weekdays_everyone_is_asked_in_time_and_a_swap_is_found(make: Callable[..., Extracting]) -> None:
    extract = make(SLOW)
    (first,) = extract.bronze.snapshots(MEMBERS)
    rows = extract.bronze.read(first, ["category_id", "crypto_id", "is_member"]).to_pylist()
    known: dict[str, set[int]] = {id_: set() for id_ in sizes(extract)}
    for row in rows:
        if row["is_member"]:
            known[row["category_id"]].add(row["crypto_id"])
    asked = dict.fromkeys(known, first.snapshot)
    spent: Counter[str] = Counter()
    swaps = 0
    for _ in range(60):
        extract.next_weekday()
        extract(LIST)
        ran = extract(MEMBERS)
        asked |= dict.fromkeys(ran.ids, ran.snapshot)
        assert all(ran.snapshot - asked[id_] <= timedelta(days=30) for id_ in sizes(extract))
        for id_, now in members(extract, ran).items():
            before = known.get(id_)
            swaps += before is not None and before != now and len(before) == len(now)
            known[id_] = now
        spent[f"{ran.snapshot:%Y-%m}"] += ran.credits
    assert swaps > 0
    assert max(spent.values()) <= 600
    assert Counter(ran.ids).most_common(1)[0][1] == 1


def test_those_whose_number_never_changes_are_asked_in_even_slices(make: Callable[..., Extracting]) -> None:
    extract = make(World(categories=42, churn=False, coins=60, exchanges=2, publishers=1, wallet_rows=4))
    asked = dict.fromkeys(sizes(extract), extract.clock.now())
    for _ in range(24):
        extract.next_weekday()
        ran = extract(MEMBERS)
        assert 2 <= len(ran.calls) <= 4
        asked |= dict.fromkeys(ran.ids, ran.snapshot)
        assert ran.snapshot - min(asked.values()) <= timedelta(days=30)


def test_the_share_of_the_month_is_spread_over_its_weekdays_and_never_crossed(make: Callable[..., Extracting]) -> None:
    extract = make(
        World(categories=60, churn=False, coins=60, exchanges=2, publishers=1), init=False, category_share=0.006
    )
    spent: dict[str, list[int]] = {}
    for _ in range(30):
        ran = extract(MEMBERS)
        spent.setdefault(f"{ran.snapshot:%Y-%m}", []).append(ran.credits)
        extract.next_weekday()
    november, december = spent["2026-11"], spent["2026-12"]

    assert (len(november), sum(november)) == (21, 60)
    assert max(november) - min(november) <= 1
    assert sum(december) <= 60


def test_what_the_morning_has_spent_is_no_longer_there_in_the_afternoon(make: Callable[..., Extracting]) -> None:
    extract = make(
        World(categories=60, churn=False, coins=60, exchanges=2, publishers=1), init=False, category_share=0.006
    )
    morning = extract(MEMBERS)
    extract.sandbox.advance(6 * 3600)

    assert (morning.credits, extract(MEMBERS).calls) == (3, [])


def test_a_category_that_costs_more_than_a_day_is_asked_all_the_same(make: Callable[..., Extracting]) -> None:
    class Dear(CategoryExtractor):
        """A page holds two coins, so that large categories cost much."""

        page_size: ClassVar[int] = 2

    extract = make(STILL, init=False, category_share=0.01)
    asked: set[str] = set()
    for _ in range(20):
        ran = extract(MEMBERS, cls=Dear)
        asked |= set(ran.ids)
        extract.next_weekday()

    assert asked == sizes(extract).keys()
    assert max(sizes(extract).values()) > 10


# --- pages ------------------------------------------------------------------------------------------------------------


class SmallPages(CategoryExtractor):
    """Asks for four coins at a time."""

    page_size: ClassVar[int] = 4


def test_all_pages_of_a_category_arrive_and_only_the_last_says_so(make: Callable[..., Extracting]) -> None:
    extract = make(STILL, init=False)
    (ran,) = extract.init(MEMBERS, cls=SmallPages)
    counts = sizes(extract)
    rows = extract.rows(ran, "category_id", "page_start", "is_last_page", "is_member", "crypto_id")

    assert {id_: len(coins) for id_, coins in members(extract, ran).items()} == counts
    for id_, size in counts.items():
        pages = {row["page_start"]: row["is_last_page"] for row in rows if row["category_id"] == id_}
        assert list(pages) == list(range(1, size + 2, 4))
        assert [start for start, is_last in pages.items() if is_last] == [max(pages)]
    assert max(counts.values()) > 4


def test_a_second_page_that_fails_leaves_no_last_page_and_the_category_is_asked_again(
    make: Callable[..., Extracting],
) -> None:
    extract = make(STILL, init=False)
    large = max(sizes(extract), key=lambda id_: sizes(extract)[id_])

    class OnlyLarge(SmallPages):
        def plan(self, snapshot: datetime) -> list[str]:
            return [large]

    extract.sandbox.add_fault("http_503", endpoint=MEMBERS, skip=1, times=5)
    ran = extract(MEMBERS, cls=OnlyLarge)
    rows = extract.rows(ran, "is_last_page", "page_start")

    assert isinstance(ran.error, ApiUnavailableError)
    assert ran.unit.status is Status.PARTIAL
    assert {(row["page_start"], row["is_last_page"]) for row in rows} == {(1, False)}
    first = extract.journal(MEMBERS)
    assert (first["answered"], first["failed"], first["is_complete"]) == (0, [large], False)

    again = extract(MEMBERS, cls=OnlyLarge)
    assert extract.journal(MEMBERS)["scan"] == first["scan"]
    assert again.calls[0]["parameters"]["start"] == "1"
    assert extract.rows(again, "is_last_page")[-1]["is_last_page"]
    assert len(members(extract, again)[large]) == sizes(extract)[large]


@pytest.mark.parametrize("page", [1, 2])
def test_a_page_without_coins_where_some_are_promised_is_not_the_last(
    make: Callable[..., Extracting], page: int
) -> None:
    extract = make(STILL, init=False)
    large = max(sizes(extract), key=lambda id_: sizes(extract)[id_])

    class Hole(SmallPages):
        """Asks an API that sends no coins from a page on."""

        def plan(self, snapshot: datetime) -> list[str]:
            return [large]

        def parse(self, answer: Answer) -> Any:
            head, *coins = super().parse(answer)
            yield head
            if int(answer.parameters["start"]) < 4 * page - 3:
                yield from coins

    ran = extract(MEMBERS, cls=Hole)

    assert (ran.error, ran.unit.status) == (None, Status.DONE)
    assert not any(row["is_last_page"] for row in extract.rows(ran, "is_last_page"))
    (notice,) = ran.unit.notices
    assert f"of {sizes(extract)[large]} coins of {large} only {4 * page - 4} came" in notice


def test_a_category_without_coins_is_whole(make: Callable[..., Extracting]) -> None:
    extract = make(STILL)
    (empty,) = [id_ for id_, size in sizes(extract).items() if size == 0]
    found = extract.bronze.read(extract.bronze.snapshots(MEMBERS)[0], ["category_id", "is_member", "is_last_page"])

    assert [row for row in found.to_pylist() if row["category_id"] == empty] == [
        {"category_id": empty, "is_member": False, "is_last_page": True}
    ]


def test_an_answer_without_its_coins_is_none(make: Callable[..., Extracting]) -> None:
    extract = make(STILL, init=False)
    extract.sandbox.add_fault("missing_field", endpoint=MEMBERS, value="coins", times=1)
    (ran,) = extract.init(MEMBERS)

    assert isinstance(ran.error, UnusableAnswerError)
    notes = [extract.bronze.footer(file).note for file in extract.bronze.files(MEMBERS)]
    assert len(notes) == len(ran.calls)
    assert [bool(note.unusable) for note in notes] == [True] + [False] * (len(notes) - 1)
    assert extract.journal(MEMBERS)["failed"] == ran.ids[:1]
    extract.sandbox.advance(DAY)


def test_a_category_that_is_gone_from_the_list_is_not_asked(make: Callable[..., Extracting]) -> None:
    extract = make(MOVING)
    known, gone = set(sizes(extract)), set[str]()
    while not gone:
        extract.next_weekday()
        extract(LIST)
        gone = known - sizes(extract).keys()
        ran = extract(MEMBERS)
        assert (ran.error, ran.unit.notices) == (None, [])
        assert not gone & set(ran.ids)
