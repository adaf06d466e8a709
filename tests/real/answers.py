"""What the replay answers: all recordings as one market, or one recording after the other.

Where nothing was recorded of somebody the tool asks for, a stand-in answers that says no more than the list on which he
stands: an API that knows him would answer too, and to be passed over is not what is tried here. They are counted apart.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.support.raw_json import items, members
from tests.support.recordings import records_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.recordings import Recording

Row = dict[str, Any]
KEY = "key/info"
EXCHANGE_MAP, EXCHANGE_INFO, ASSETS = "exchange/map", "exchange/info", "exchange/assets"
COIN_MAP, COIN_INFO, LISTINGS = "cryptocurrency/map", "cryptocurrency/info", "cryptocurrency/listings/latest"
CATEGORIES, CATEGORY = "cryptocurrency/categories", "cryptocurrency/category"
HISTORY = "fear-and-greed/historical"
#: Lists, and what tells their records apart.
LISTS = {EXCHANGE_MAP: "id", COIN_MAP: "id", LISTINGS: "id", CATEGORIES: "id", HISTORY: "timestamp"}
#: Exchanges by the name of their recording, where it does not say `_id11_`.
EXCHANGES = {
    "binance": 270, "ourbit": 10153, "phemex": 955, "htx": 102, "deepcoin": 1182, "bvox": 7618, "lbank": 333,
    "blockfinex": 1277, "hyperliquid": 8112, "coinbase": 89, "gaiaex": 11978,
}  # fmt: skip
_BINANCE = 270
#: The replay is in a hurry; the recorded limits would spread one init over a quarter of an hour.
_MINUTE = 100_000


@dataclass(frozen=True)
class Served:
    """One answer that was sent.

    Attributes:
        endpoint: of it.
        subject: the id that was asked for, where one is.
        data: the text of `data`.
        stand_ins: how many of its records nobody recorded.
    """

    endpoint: str
    subject: str
    data: str
    stand_ins: int = 0

    @property
    def records(self) -> list[Any]:
        """Its records, in the order of their rows in Bronze."""
        return records_of(self.endpoint, json.loads(self.data))


class Answers(ABC):
    """Answers requests, and remembers what it sent."""

    def __init__(self, recorded: Iterable[Recording], keys: list[Recording]) -> None:
        self.served: list[Served] = []
        self._credits = 0
        self._recorded: dict[str, list[Recording]] = defaultdict(list)
        for recording in sorted(recorded, key=lambda one: one.day, reverse=True):
            self._recorded[recording.endpoint].append(recording)
        self._key = max(keys, key=lambda one: one.day)

    def answer(self, endpoint: str, query: dict[str, str]) -> bytes:
        """Return the body for a request."""
        if endpoint == KEY:
            return self._about_key().encode()
        served = self.respond(endpoint, query)
        self.served.append(served)
        status = json.loads(self._status(endpoint))
        self._credits += int(status["credit_count"])
        return f'{{"status":{json.dumps(status)},"data":{served.data}}}'.encode()

    @abstractmethod
    def respond(self, endpoint: str, query: dict[str, str]) -> Served:
        """Return what is sent for a request."""

    def _status(self, endpoint: str) -> str:
        """Return the status that was recorded last with an answer of the endpoint."""
        recorded = self._recorded[endpoint]
        newest = next((one for one in recorded if not one.path.stem.endswith("_noenvelope")), recorded[0])
        return members(newest.body.decode("utf-8-sig"))["status"]

    def _about_key(self) -> str:
        """Return what was recorded of a key, as it would be now: its time, and the credits of this replay."""
        body: Row = json.loads(self._key.body)
        now, plan, usage = datetime.now(UTC), body["data"]["plan"], body["data"]["usage"]
        month = usage["current_month"]
        first = now.replace(
            year=now.year + now.month // 12, month=now.month % 12 + 1, day=1, hour=0, minute=0, second=0
        )
        plan |= {"credit_limit_monthly_reset_timestamp": stamp(first), "rate_limit_minute": _MINUTE}
        month["credits_used"] += self._credits
        month["credits_left"] = plan["credit_limit_monthly"] - month["credits_used"]
        usage["current_minute"] = {"requests_made": 1, "requests_left": _MINUTE - 1}
        body["status"]["timestamp"] = stamp(now)
        return json.dumps(body)


def stamp(moment: datetime) -> str:
    """Return a moment as the API writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class OneByOne(Answers):
    """Answers with the recording that was chosen for the endpoint, byte for byte."""

    def __init__(self, recorded: list[Recording], keys: list[Recording]) -> None:
        super().__init__(recorded, keys)
        self._chosen: dict[str, Recording] = {}

    def choose(self, recording: Recording) -> None:
        """Let a recording be the answer of its endpoint from now on."""
        self._chosen[recording.endpoint] = recording

    def answer(self, endpoint: str, query: dict[str, str]) -> bytes:
        """Return the body for a request."""
        if endpoint == KEY:
            return super().answer(endpoint, query)
        self.served.append(self.respond(endpoint, query))
        return self._chosen[endpoint].body

    def respond(self, endpoint: str, query: dict[str, str]) -> Served:
        """Return what is sent for a request."""
        return Served(endpoint, "", self._chosen[endpoint].raw_data)


class Market(Answers):
    """All recordings as one market, of several about one thing the newest first."""

    def __init__(self, recorded: list[Recording], keys: list[Recording]) -> None:
        super().__init__(recorded, keys)
        self._lists = {endpoint: self._list(endpoint, key) for endpoint, key in LISTS.items()}
        self._infos = {endpoint: self._by_id(endpoint) for endpoint in (EXCHANGE_INFO, COIN_INFO)}
        self._categories = {json.loads(one.raw_data)["id"]: one.raw_data for one in self._recorded[CATEGORY]}
        self._wallets: dict[str, list[str]] = defaultdict(list)
        for recording in self._recorded[ASSETS]:
            self._wallets[str(exchange_of(recording))].append(recording.raw_data)
        self._asked: Counter[tuple[str, str]] = Counter()
        self._stand_ins = {EXCHANGE_MAP: self._unlisted_exchanges(), CATEGORIES: self._unlisted_categories()}

    @property
    def listed_coins(self) -> int:
        """How many coins the listing has."""
        return len(self._lists[LISTINGS])

    def respond(self, endpoint: str, query: dict[str, str]) -> Served:
        """Return what is sent for a request."""
        responses: dict[str, Callable[[str, dict[str, str]], Served]] = {
            **dict.fromkeys(LISTS, self._page),
            **dict.fromkeys(self._infos, self._info),
            ASSETS: self._assets,
            CATEGORY: self._category,
        }
        return responses.get(endpoint, self._single)(endpoint, query)

    def _list(self, endpoint: str, key: str) -> dict[Any, str]:
        found: dict[Any, str] = {}
        for recording in self._recorded[endpoint]:
            for raw in items(recording.raw_data):
                found.setdefault(json.loads(raw)[key], raw)
        return found

    def _by_id(self, endpoint: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for recording in self._recorded[endpoint]:
            for raw in members(recording.raw_data).values():
                found.setdefault(str(json.loads(raw)["id"]), raw)
        return found

    def _unlisted_exchanges(self) -> int:
        """Put exchanges of which something was recorded on the map that lacks them; return how many."""
        listed = self._lists[EXCHANGE_MAP]
        before = len(listed)
        nothing = {"is_active": 0, "is_listed": 0, "first_historical_data": None, "last_historical_data": None}
        for id_, raw in self._infos[EXCHANGE_INFO].items():
            info = json.loads(raw)
            row = {name: info[name] for name in ("id", "name", "slug")} | nothing | {"is_redistributable": 0}
            listed.setdefault(int(id_), json.dumps(row))
        for id_ in self._wallets:
            listed.setdefault(int(id_), json.dumps({"id": int(id_), "name": id_, "slug": id_, **nothing}))
        return len(listed) - before

    def _unlisted_categories(self) -> int:
        """Put categories whose coins were recorded on the list that lacks them; return how many."""
        listed = self._lists[CATEGORIES]
        missing = {id_: raw for id_, raw in self._categories.items() if id_ not in listed}
        for id_, raw in missing.items():
            listed[id_] = json.dumps({name: value for name, value in json.loads(raw).items() if name != "coins"})
        return len(missing)

    def _page(self, endpoint: str, query: dict[str, str]) -> Served:
        start, limit = int(query.get("start", "1")) - 1, int(query.get("limit", "5000"))
        found = self._lists[endpoint]
        keys = sorted(found, key=lambda key: (int(key) if str(key).isdigit() else 0, str(key)))
        ordered = [found[key] for key in (reversed(keys) if endpoint == HISTORY else keys)]
        page = ordered[start : start + limit]
        return Served(endpoint, "", f"[{','.join(page)}]", self._stand_ins.get(endpoint, 0) if not start else 0)

    def _info(self, endpoint: str, query: dict[str, str]) -> Served:
        known, found = self._infos[endpoint], dict[str, str]()
        ids = query["id"].split(",")
        for id_ in ids:
            found[id_] = known[id_] if id_ in known else self._stand_in(endpoint, id_)
        data = ",".join(f'"{id_}":{raw}' for id_, raw in found.items())
        return Served(endpoint, "", f"{{{data}}}", sum(id_ not in known for id_ in ids))

    def _stand_in(self, endpoint: str, id_: str) -> str:
        """Return an info that says what the map says, and nothing else."""
        listed = json.loads(self._lists[EXCHANGE_MAP if endpoint == EXCHANGE_INFO else COIN_MAP][int(id_)])
        same = {name: listed[name] for name in ("id", "name", "symbol", "slug") if name in listed}
        figures = ("maker_fee", "taker_fee", "spot_volume_usd", "weekly_visits", "spot_volume_last_updated")
        texts = ("description", "logo", "date_launched", "date_added", "category", "notice")
        nothing = dict.fromkeys((*figures, *texts))
        links: dict[str, list[str]] = {"website": [], "twitter": []}
        return json.dumps({**same, **nothing, "fiats": [], "tags": [], "urls": links})

    def _assets(self, endpoint: str, query: dict[str, str]) -> Served:
        """Return the wallets of an exchange; whoever is asked again has those that were recorded before."""
        recorded = self._wallets.get(query["id"], ["[]"])
        return Served(endpoint, query["id"], recorded[self._next(endpoint, query["id"], len(recorded))])

    def _category(self, endpoint: str, query: dict[str, str]) -> Served:
        id_ = query["id"]
        if id_ in self._categories:
            return Served(endpoint, id_, self._categories[id_])
        row = {**json.loads(self._lists[CATEGORIES][id_]), "num_tokens": 0, "coins": []}
        return Served(endpoint, id_, json.dumps(row), 1)

    def _single(self, endpoint: str, query: dict[str, str]) -> Served:
        recorded = self._recorded[endpoint]
        return Served(endpoint, "", recorded[self._next(endpoint, "", len(recorded))].raw_data)

    def _next(self, endpoint: str, subject: str, recorded: int) -> int:
        """Return which recording is sent now: the newest first, the oldest from then on."""
        number = self._asked[endpoint, subject]
        self._asked[endpoint, subject] += 1
        return min(number, recorded - 1)


def exchange_of(recording: Recording) -> int:
    """Return the exchange whose wallets were recorded."""
    words = recording.path.stem.split("_")
    numbered = [int(word[2:]) for word in words if word.startswith("id")]
    return next(iter(numbered), next((EXCHANGES[word] for word in words if word in EXCHANGES), _BINANCE))
