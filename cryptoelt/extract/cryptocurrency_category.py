"""Extract cryptocurrency/category: who belongs to one category after the other."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.api.answer import RawRecord
from cryptoelt.api.cost import Cost, grown
from cryptoelt.api.credit_month import credit_month_of
from cryptoelt.api.envelope import items_of, members_of, whole_number
from cryptoelt.errors import AnswerError
from cryptoelt.extract.fields import flag, integer, text
from cryptoelt.extract.scan import Part, ScanExtractor
from cryptoelt.extract.scan_state import asked_since, last_asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pyarrow as pa

    from cryptoelt.api.answer import Answer
    from cryptoelt.extract.judgement import Tally
    from cryptoelt.extract.scan_state import Asked

_CATEGORIES = "cryptocurrency/categories"
_WEEKDAYS = 5
_WEEK = 7
_SATURDAY = 5
#: What a weekday costs as a rule, for each credit of those whose turn it is: others are new, or have changed.
_WITH_CHANGED = 1.5
_LONGEST_GAP = 2  # whole days from Friday to Monday on which nobody is asked


class CategoryExtractor(ScanExtractor):
    """GET /v1/cryptocurrency/category, all pages of a category.

    A file holds one page: a row for the category itself (`is_member` false), whose `raw` is the answer without its
    coins, and a row for each coin. `num_tokens` is what the API says it has in all.
    """

    endpoint_name = "cryptocurrency/category"
    columns = (
        text("category_id"),
        integer("page_start"),
        flag("is_last_page"),
        flag("is_member"),
        integer("num_tokens", "category", "num_tokens"),
        text("category_name", "category", "name"),
        integer("crypto_id", "coin", "id"),
        text("crypto_name", "coin", "name"),
        text("crypto_symbol", "coin", "symbol"),
    )
    key = ("category_id", "page_start", "crypto_id")
    measures = ("crypto_id",)
    unbuilt = frozenset({"category_name"})

    #: The coins of a full page: the most the endpoint allows.
    page_size: ClassVar[int] = 1000

    # --- whom to ask --------------------------------------------------------------------------------------------------

    def plan(self, snapshot: datetime) -> Sequence[str]:
        """Return new categories, those whose turn it is, and those whose number of coins changed, within the share.

        Those whose turn it is keep their credits: a swap leaves the number as it is, and must be found all the same.
        """
        sizes = self._sizes
        if self.is_init:
            return list(sizes)
        asked = last_asked(self.context.bronze, self.endpoint_name, sizes, timedelta(days=2 * self._days))
        new = [id_ for id_ in sizes if id_ not in asked]
        turn = self._turn(sizes, asked, snapshot)
        return self._within_share([*new, *turn, *_changed(sizes, asked)], sizes, snapshot)

    @property
    def _days(self) -> int:
        return self.context.settings.membership_days

    @property
    def _scans(self) -> int:
        """The daily scans in which everyone's turn comes once."""
        return max(1, self._days * _WEEKDAYS // _WEEK)

    @property
    def _share(self) -> int:
        return int(self.context.governor.ledger.state().limit * self.context.budget.category_share)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """The number of coins of every category of the newest list."""
        rows = self.rows_on(_CATEGORIES, ["id", "num_tokens"])
        return {row["id"]: row["num_tokens"] or 0 for row in rows if row["id"]}

    def _turn(self, sizes: dict[str, int], asked: dict[str, Asked], snapshot: datetime) -> list[str]:
        """Return the categories not asked for longest: an even slice a day, and whoever would become too old."""
        known = sorted((id_ for id_ in sizes if id_ in asked), key=lambda id_: asked[id_].snapshot)
        before = [id_ for id_ in known if asked[id_].snapshot < _midnight(snapshot)]
        slice_ = max(0, ceil(len(known) / self._scans) - (len(known) - len(before)))
        old = [id_ for id_ in before if (snapshot - asked[id_].snapshot).days >= self._days - _LONGEST_GAP]
        return list(dict.fromkeys([*old, *before[:slice_]]))

    def _within_share(self, ids: list[str], sizes: dict[str, int], snapshot: datetime) -> list[str]:
        """Return whom today's part of the month's share can pay, in order.

        The first may take from the days to come, else one that costs more than the part of a day would never be asked.
        """
        first, today = self._share_left(snapshot)
        chosen: list[str] = []
        for id_ in dict.fromkeys(ids):
            price = self._price_of(sizes[id_])
            if price <= (today if chosen else first):
                chosen.append(id_)
                today -= price
        return chosen

    def _share_left(self, snapshot: datetime) -> tuple[int, int]:
        """Return what the first category of today may cost, and what all of them may together.

        The share of the month is spread over the weekdays that are left.
        """
        budget, today = self.context.budget, _midnight(snapshot)
        month = credit_month_of(snapshot, budget.reset_day)
        spent = self._spent_since(month.start)
        spent_today = spent.pop(today, 0)
        left = self._share - sum(spent.values())
        part = ceil(left / max(1, _weekdays(today, month.end))) - spent_today
        return part if spent_today else left, part

    def _price_of(self, size: int) -> int:
        """Return what all pages of a category cost; the last one is short, or empty."""
        full, rest = divmod(size, self.page_size)
        price = self.context.client.price
        return full * price(self.endpoint, self.page_size) + price(self.endpoint, rest)

    def cost(self, ids: Sequence[str]) -> int:
        """Return what asking for these categories costs, by their number of coins in the newest list."""
        if not ids:
            return 0
        sizes = self._sizes
        return sum(self._price_of(sizes.get(id_, self.page_size)) for id_ in ids)

    def most(self, ids: Sequence[str]) -> Cost:
        """Return all pages of these categories, should they have grown since they were listed, and what they cost."""
        sizes = [grown(self._sizes.get(id_, self.page_size)) for id_ in ids]
        return Cost(sum(size // self.page_size + 1 for size in sizes), sum(map(self._price_of, sizes)))

    def usual(self, snapshot: datetime) -> Cost:
        """Return those whose turn it is and some that are new or have changed, within a weekday's part of the share."""
        month = credit_month_of(snapshot, self.context.budget.reset_day)
        everyone = self.most(list(self._sizes))
        part = ceil(self._share / _weekdays(month.start, month.end))
        credits = min(part, ceil(_WITH_CHANGED * self.cost(list(self._sizes)) / self._scans))
        return Cost(ceil(everyone.calls * credits / max(1, everyone.credits)), credits)

    def most_of_month(self, snapshot: datetime) -> int:
        """Return what is left of the month's share."""
        month = credit_month_of(snapshot, self.context.budget.reset_day)
        return max(0, self._share - sum(self._spent_since(month.start).values()))

    def _spent_since(self, start: datetime) -> Counter[datetime]:
        """Return by UTC day what was spent out of the share; what an init asked is outside of it."""
        spent: Counter[datetime] = Counter()
        for asked in asked_since(self.context.bronze, self.endpoint_name, start):
            if not asked.about.is_init:
                spent[_midnight(asked.snapshot)] += asked.about.credits
        return spent

    # --- one category -------------------------------------------------------------------------------------------------

    def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
        """Ask for one category, page after page, until one is short.

        A page without coins where `num_tokens` promises some is no last page: it would end memberships. One of coins
        that came before is of a list that never ends.
        """
        (id_,), size, start = ids, self.page_size, 1
        tally, seen, is_done, fault = self._tally(), set[int](), False, ""
        while not (is_done or fault):
            self.context.clock.stop.raise_if_set()
            answer = self._ask(snapshot, size, id=id_, start=str(start), limit=str(size))
            records, fault = self._records_of(answer)
            fault = fault or _fault_of_id(records[0], id_)
            coins, promised = len(records) - 1, None if fault else _tokens(records[0])
            is_done, is_hole = coins < size, coins == 0 and (promised or 0) >= start
            page = {"category_id": id_, "page_start": start, "is_last_page": is_done and not is_hole}
            rows, clean = self.typed(answer.call_id, records, snapshot, **page)
            fault = fault or self._fault_in(rows, tally) or self._fault_of_page(rows, seen)
            about = {"num_tokens": promised, "listed": self._sizes.get(id_)}
            notice = f"{self.endpoint_name}: of {promised} coins of {id_} only {start - 1} came" if is_hole else ""
            answered = ids if is_done or fault else ()
            yield Part(rows, clean, answered, answer, about=about, notice=notice, unusable=fault)
            start += coins

    def _fault_in(self, rows: pa.Table, tally: Tally) -> str:
        """Judge the coins; the category's own row has no coin and needs none."""
        return super()._fault_in(rows.filter(rows["is_member"]), tally)

    def _fault_of_page(self, rows: pa.Table, seen: set[int]) -> str:
        """Return why a page of a category is unusable beside those before it, whose coins are `seen`; "" if not."""
        coins = {id_ for id_ in rows["crypto_id"].to_pylist() if id_ is not None}
        repeated, is_full = len(coins & seen), rows.num_rows > self.page_size
        seen |= coins
        if is_full and repeated > self.context.settings.unusable_share * len(coins):
            return f"{repeated} of {len(coins)} coins are of what had come already"
        most = self.endpoint.most_rows
        return f"it goes on after {len(seen)} coins, there cannot be more than {most}" if len(seen) > most else ""

    def parse(self, answer: Answer) -> Iterator[RawRecord]:
        """Yield the category, and each of its coins.

        Raises:
            AnswerError: `data` is not a category with a list of coins.
        """
        self._require_shape(answer)
        members = members_of(answer.records[0])
        coins = items_of(members.pop("coins")) if "coins" in members else None
        if coins is None:
            raise AnswerError(
                f"{self.endpoint_name} sent a category without a list of coins (call {answer.call_id})",
                hint="nothing was stored; the API may have changed, see the call in metadata/calls/",
                reason="it has no list of coins",
            )
        raw = ", ".join(f"{json.dumps(name)}: {member.raw}" for name, member in members.items())
        category = {name: member.value for name, member in members.items()}
        yield RawRecord({"category": category, "is_member": False}, f"{{{raw}}}")
        for coin in coins:
            yield RawRecord({"coin": coin.value, "is_member": True}, coin.raw)

    def _is_clean(self, values: dict[str, list[Any]], unfit: list[list[str] | None]) -> bool:
        """Judge the coins; the category's own row has no coin and needs none."""
        members = [number for number, is_member in enumerate(values["is_member"]) if is_member]
        coins = {name: [column[number] for number in members] for name, column in values.items()}
        return super()._is_clean(coins, unfit)


def _fault_of_id(category: RawRecord, asked: str) -> str:
    """Return why an answer is of another category than was asked for; "" if not, or where it does not say."""
    own = category.value["category"].get("id")
    return f"it is of category {own!r:.60}" if isinstance(own, str) and own.strip() != asked else ""


def _tokens(category: RawRecord) -> int | None:
    """Return how many coins a category says it has in all."""
    return whole_number(category.value["category"].get("num_tokens"))


def _changed(sizes: dict[str, int], asked: dict[str, Asked]) -> list[str]:
    """Return the categories whose number of coins is not what it was when they were asked; the largest change first.

    List and answer may differ for good, so a number that the list had then already is no change.
    """
    change = {}
    for id_, answer in asked.items():
        known = [number for number in (answer.about.num_tokens, answer.about.listed) if number is not None]
        if known and sizes[id_] not in known:
            change[id_] = abs(sizes[id_] - known[0])
    return sorted(change, key=lambda id_: -change[id_])


def _weekdays(start: datetime, end: datetime) -> int:
    days = (start + timedelta(days=day) for day in range((end - start).days))
    return sum(day.weekday() < _SATURDAY for day in days)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
