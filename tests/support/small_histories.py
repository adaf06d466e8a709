"""Small histories of a market, drawn by hypothesis, and what the warehouse must make of them.

What is expected is found by walking through the snapshots in order of time, with nothing of the package: so it says
what a dimension, its history, a link and a figure mean.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.support.silver_writer import (
    asset,
    at,
    category,
    category_fact,
    coin,
    coin_info,
    coin_map,
    exchange,
    exchange_figures,
    exchange_info,
    exchange_map,
    listing,
    members,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tests.support.silver_writer import Row

COINS, EXCHANGES, CATEGORIES = (1, 2, 3), (1, 2), (1, 2)
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Answer:
    """Who a category answer shows, page by page, and the number of a page that is lacking."""

    pages: tuple[tuple[int, ...], ...]
    lacking: int | None = None

    @property
    def shown(self) -> set[int]:
        return {number for place, page in enumerate(self.pages) if place != self.lacking for number in page}

    def rows(self, category_number: int) -> list[Row]:
        """Its rows in Silver; every page says where it starts."""
        starts = [1 + sum(map(len, self.pages[:place])) for place in range(len(self.pages))]
        lacking = None if self.lacking is None else starts[self.lacking]
        return [row for row in members(category_number, self.pages) if row["page_start"] != lacking]


@dataclass(frozen=True)
class Part:
    """What one endpoint said at one snapshot: of whom it says what."""

    said: dict[Any, Any]
    is_quarantined: bool = False


@dataclass(frozen=True)
class Snapshot:
    """One run: the parts by endpoint; not every run asks everybody."""

    parts: dict[str, Part] = field(default_factory=dict)


History = dict[int, Snapshot]


# --- drawing ----------------------------------------------------------------------------------------------------------

_names = st.sampled_from("AB")


def _of(keys: Iterable[Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Part]:
    return st.builds(Part, st.dictionaries(st.sampled_from(sorted(keys)), values, min_size=1))


@st.composite
def _answers(draw: st.DrawFn) -> Answer:
    shown = draw(st.lists(st.sampled_from(COINS), unique=True))
    pages: list[tuple[int, ...]] = []
    while shown:
        size = draw(st.integers(1, len(shown)))
        pages.append(tuple(shown[:size]))
        shown = shown[size:]
    lacking = draw(st.none() | st.integers(0, len(pages) - 1)) if pages else None
    return Answer(tuple(pages) or ((),), lacking)


_quarantined = st.sampled_from([False] * 5 + [True])
_ENDPOINTS: dict[str, st.SearchStrategy[Part]] = {
    "coin map": _of(COINS, st.tuples(_names, st.integers(1, 3))),
    "coin info": _of(COINS, st.tuples(st.none() | st.lists(_names, max_size=2), st.sampled_from("xy"))),
    "listings": _of(COINS, st.floats(0, 9)),
    "exchange map": _of(EXCHANGES, _names),
    "exchange info": _of(EXCHANGES, st.tuples(_names, st.sampled_from([None, 0.0, 2.0, 4.0, 1e-300]))),
    "assets": _of([(e, c) for e in EXCHANGES for c in COINS], st.sampled_from([None, 0.0, 3.0, 1e200])),
    "categories": st.builds(
        Part, st.dictionaries(st.sampled_from(CATEGORIES), _names, min_size=1), is_quarantined=_quarantined
    ),
    "members": st.builds(
        Part, st.dictionaries(st.sampled_from(CATEGORIES), _answers(), min_size=1), is_quarantined=_quarantined
    ),
}
_parts = st.lists(
    st.sampled_from([*_ENDPOINTS, "categories", "members", "members"]), min_size=1, max_size=4, unique=True
).flatmap(lambda names: st.fixed_dictionaries({name: _ENDPOINTS[name] for name in names}))
_exchange_parts = st.lists(
    st.sampled_from(["exchange info", "exchange map", "assets"]), min_size=1, unique=True
).flatmap(lambda names: st.fixed_dictionaries({name: _ENDPOINTS[name] for name in names}))
#: Of the figures that maps and assets take from infos, and of nothing else.
exchange_histories = st.lists(st.builds(Snapshot, _exchange_parts), min_size=3, max_size=8).map(
    lambda runs: History(enumerate(runs))
)
histories = st.lists(st.builds(Snapshot, _parts), min_size=3, max_size=7).map(lambda runs: History(enumerate(runs)))

# --- Silver -----------------------------------------------------------------------------------------------------------

#: Table -> the endpoint it is made from, and the rows it makes of what was said of one key at a snapshot.
SILVER: dict[str, tuple[str, Callable[[int, Any, Any], list[Row]]]] = {
    "dim_exchange_id": ("exchange map", lambda _, key, name: [exchange(key, name)]),
    "dim_exchange_info": ("exchange info", lambda n, key, said: [{**exchange_info(key, [said[0]]), **_exchange(n)}]),
    "fact_exchange_info": (
        "exchange info",
        lambda n, key, said: [{**exchange_figures(key, said[1], said[1], n), **_exchange(n)}],
    ),
    "dim_exchange_map": ("exchange map", lambda _, key, name: [exchange_map(key)]),
    "dim_crypto_id": ("coin map", lambda _, key, said: [coin(key, said[0])]),
    "dim_crypto_map": ("coin map", lambda _, key, said: [coin_map(key, said[1])]),
    "dim_crypto_info": ("coin info", lambda n, key, said: [{**coin_info(key, *said), "crypto_name": f"info {n}"}]),
    "fact_crypto_market": ("listings", lambda n, key, price: [listing(key, f"listing {n}", price)]),
    "fact_exchange_assets": (
        "assets",
        lambda n, key, value: [asset(key[0], key[1], value, chain, f"asset {n}") for chain in ("one", "two")],
    ),
    "dim_crypto_category": ("categories", lambda _, key, name: [category(key, name)]),
    "fact_crypto_category": ("categories", lambda _, key, name: [category_fact(key)]),
    "link_crypto_category": (
        "members",
        lambda n, key, answer: [{**row, "crypto_name": f"member {n} of {key}"} for row in answer.rows(key)],
    ),
}


def _exchange(number: int) -> Row:
    return {"exchange_name": f"info {number}"}


# --- what must come of it ---------------------------------------------------------------------------------------------


def said_by(history: History, endpoint: str) -> dict[int, Part]:
    """What an endpoint said, by snapshot, in order of time."""
    return {n: run.parts[endpoint] for n, run in sorted(history.items()) if endpoint in run.parts}


def expected_links(history: History) -> Rows:
    """category, coin, from, to."""
    answers, lists = said_by(history, "members"), said_by(history, "categories")
    found: Rows = []
    for cat in CATEGORIES:
        for number in COINS:
            since: int | None = None
            for n in sorted(history):
                answer = answers[n].said.get(cat) if n in answers else None
                listed = lists.get(n)
                is_gone = listed is not None and not listed.is_quarantined and cat not in listed.said
                if answer is not None and number in answer.shown:
                    since = n if since is None else since
                elif since is not None and (
                    is_gone or (answer is not None and answer.lacking is None and not answers[n].is_quarantined)
                ):
                    found.append((f"c{cat}", number, at(since), at(n), at(n)))
                    since = None
            if since is not None:
                found.append((f"c{cat}", number, at(since), None, at(since)))
    return sorted(found, key=lambda row: row[:3])


def expected_versions(observed: dict[int, dict[Any, Any]]) -> tuple[Rows, Rows]:
    """Current (key, value, since) and former (key, value, since, until) versions of what was said at each snapshot."""
    current: dict[Any, tuple[Any, datetime]] = {}
    former: Rows = []
    for n, values in observed.items():
        for key, value in values.items():
            before = current.get(key)
            if before is None or before[0] != value:
                if before is not None:
                    former.append((key, *before, at(n)))
                current[key] = (value, at(n))
    return sorted((key, *now) for key, now in current.items()), sorted(former, key=lambda row: (row[0], row[2]))


def expected_coins(history: History) -> Rows:
    """id, name, since, is inferred, from whom: what the map says, else who named the coin first."""
    mapped, _ = expected_versions(
        {n: {k: v[0] for k, v in p.said.items()} for n, p in said_by(history, "coin map").items()}
    )
    known = {row[0] for row in mapped}
    named: dict[int, set[tuple[int, int, str, str]]] = defaultdict(set)
    for n, part in said_by(history, "listings").items():
        for key in part.said:
            named[key].add((n, 0, f"listing {n}", "fact_crypto_market"))
    for n, part in said_by(history, "assets").items():
        for _, key in part.said:
            named[key].add((n, 1, f"asset {n}", "fact_exchange_assets"))
    for n, part in said_by(history, "members").items():
        for cat, answer in part.said.items():
            for key in answer.shown:
                named[key].add((n, 2, f"member {n} of {cat}", "link_crypto_category"))
    for n, part in said_by(history, "coin info").items():
        for key in part.said:
            named[key].add((n, 3, f"info {n}", "dim_crypto_info"))
    inferred = [(key, min(who)) for key, who in named.items() if key not in known]
    rows = [(*row, False, None) for row in mapped] + [(k, name, at(n), True, by) for k, (n, _, name, by) in inferred]
    return sorted(rows)


def expected_figures(history: History) -> tuple[Rows, Rows]:
    """Of every map row and asset row what the newest info not later than it says."""
    infos = said_by(history, "exchange info")

    def newest(number: int, n: int) -> tuple[int, float | None] | None:
        told = [(m, part.said[number][1]) for m, part in infos.items() if m <= n and number in part.said]
        return max(told, key=lambda info: info[0]) if told else None

    maps: Rows = []
    for n, part in said_by(history, "exchange map").items():
        for number in part.said:
            info = newest(number, n)
            maps.append((number, at(n), *((info[1], info[0], at(info[0])) if info else (None, None, None))))
    assets: Rows = []
    for n, part in said_by(history, "assets").items():
        for (number, coin_number), value in part.said.items():
            info = newest(number, n)
            volume = info[1] if info else None
            ratio = value / volume if volume and value is not None else None
            ratio = None if ratio == float("inf") else ratio
            assets += [(number, coin_number, chain, at(n), volume, ratio) for chain in ("one", "two")]
    return sorted(maps, key=lambda row: row[:2]), sorted(assets, key=lambda row: row[:4])


def expected_filled(history: History) -> tuple[Rows, Rows]:
    """Of every map row and asset row the last figure that an info not later than it gave, and whether it is imputed."""
    infos = said_by(history, "exchange info")

    def carried(number: int, n: int) -> tuple[float | None, bool]:
        told = [part.said[number][1] for m, part in infos.items() if m <= n and number in part.said]
        given = [value for value in told if value is not None]
        return (given[-1], told[-1] is None) if given else (None, False)

    maps = [
        (number, at(n), *carried(number, n))
        for n, part in said_by(history, "exchange map").items()
        for number in part.said
    ]
    assets: Rows = []
    for n, part in said_by(history, "assets").items():
        for (number, coin_number), value in part.said.items():
            volume, is_imputed = carried(number, n)
            ratio = value / volume if volume and value is not None else None
            ratio = None if ratio == float("inf") else ratio
            assets += [(number, coin_number, chain, at(n), volume, ratio, is_imputed) for chain in ("one", "two")]
    return sorted(maps, key=lambda row: row[:2]), sorted(assets, key=lambda row: row[:4])
