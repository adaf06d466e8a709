"""Infos of exchanges and coins: batches, isolated ids, and who is asked when."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import pytest

from cryptoelt.errors import AnswerError, ApiUnavailableError, MissingInputError, RequestRejectedError
from cryptoelt.extract.cryptocurrency_info import CryptocurrencyInfoExtractor
from cryptoelt.extract.exchange_info import ExchangeInfoExtractor
from cryptoelt.results import Status
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from tests.support.extracting import DAY, Extracting, Killed, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.extract.scan import Part

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T08:00:00Z"
COINS, EXCHANGES = "cryptocurrency/map", "exchange/map"
COIN_INFO, EXCHANGE_INFO = "cryptocurrency/info", "exchange/info"
MAP_OF = {COIN_INFO: COINS, EXCHANGE_INFO: EXCHANGES}


class FewExchanges(ExchangeInfoExtractor):
    """Asks for five exchanges at a time."""

    batch_size: ClassVar[int] = 5


class FewCoins(CryptocurrencyInfoExtractor):
    """Asks for twenty coins at a time."""

    batch_size: ClassVar[int] = 20


FEW = {EXCHANGE_INFO: FewExchanges, COIN_INFO: FewCoins}


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    with SandboxServer(seed=7, world="small", start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        yield Extracting(tmp_path, server)


def batches(calls: list[dict[str, object]]) -> list[list[str]]:
    return [str(dict(call["parameters"])["id"]).split(",") for call in calls]  # type: ignore[call-overload]


def mapped(extract: Extracting, endpoint: str) -> list[str]:
    """Ask the map that lists whom an info endpoint can be asked for, and return their ids."""
    ran = extract(MAP_OF[endpoint])
    return [str(row["id"]) for row in extract.rows(ran, "id")]


@pytest.mark.parametrize("endpoint", [EXCHANGE_INFO, COIN_INFO])
def test_everyone_of_the_map_is_asked_in_batches_and_arrives_as_sent(extract: Extracting, endpoint: str) -> None:
    ids = mapped(extract, endpoint)
    ran = extract(endpoint, cls=FEW[endpoint])
    size = FEW[endpoint].batch_size
    rows = extract.rows(ran, "id", "raw")

    assert batches(ran.calls) == [ids[start : start + size] for start in range(0, len(ids), size)]
    assert [str(row["id"]) for row in rows] == ids
    sent = {id_: record for call in ran.calls for id_, record in extract.served(call).items()}
    assert {str(row["id"]): json.loads(row["raw"]) for row in rows} == sent
    assert len(extract.bronze.files(endpoint)) == len(ran.calls)
    assert ran.unit.planned == ran.credits == len(ran.calls)


def test_a_batch_is_as_large_as_a_credit_pays_for(tmp_path: Path) -> None:
    world = World(categories=2, churn=False, coins=60, exchanges=510, publishers=1, wallet_rows=4)
    with SandboxServer(world=world, start_time=START, speed=0, minute_limit=100_000) as server:
        extract = Extracting(tmp_path, server)
        ids = mapped(extract, EXCHANGE_INFO)
        ran = extract(EXCHANGE_INFO)

    assert [len(batch) for batch in batches(ran.calls)] == [250, 250, len(ids) - 500]
    assert (ran.unit.rows_in, ran.credits) == (len(ids), 3)


@pytest.mark.parametrize("endpoint", [EXCHANGE_INFO, COIN_INFO])
def test_one_id_that_is_refused_costs_nobody_else_and_is_asked_again_by_the_next_scan(
    extract: Extracting, endpoint: str
) -> None:
    ids = mapped(extract, endpoint)
    bad = ids[2]
    extract.sandbox.add_fault("refused_id", endpoint=endpoint, value=bad)
    ran = extract(endpoint)

    assert (ran.error, ran.unit.status) == (None, Status.DONE)
    assert [str(row["id"]) for row in extract.rows(ran, "id")] == [id_ for id_ in ids if id_ != bad]
    assert len(ran.calls) == 2
    assert ran.unit.notices == [f"{endpoint}: the API refuses id {bad}; asked again by the next scan"]
    line = extract.journal(endpoint)
    assert (line["refused"], line["answered"], line["is_complete"]) == ([bad], len(ids), True)

    extract.sandbox.clear_faults()
    extract.sandbox.advance(7 * DAY)
    again = extract(endpoint)

    assert bad in again.ids
    assert bad in {str(row["id"]) for row in extract.rows(again, "id")}


def test_ids_that_are_refused_without_being_named_are_found_by_halves(extract: Extracting) -> None:
    class Unnamed(ExchangeInfoExtractor):
        """Asks an API that refuses two ids and does not say which."""

        def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
            if bad.intersection(ids):
                raise RequestRejectedError("a parameter is invalid", http_status=400, api_message="invalid")
            yield from super().ask(ids, snapshot)

    ids = mapped(extract, EXCHANGE_INFO)
    bad = {ids[0], ids[9]}
    ran = extract(EXCHANGE_INFO, cls=Unnamed)

    assert ran.error is None
    assert {str(row["id"]) for row in extract.rows(ran, "id")} == set(ids) - bad
    assert set(extract.journal(EXCHANGE_INFO)["refused"]) == bad
    assert len(ran.ids) == len(set(ran.ids))


@pytest.mark.parametrize("endpoint", [EXCHANGE_INFO, COIN_INFO])
def test_a_request_that_is_refused_whatever_the_ids_fails_and_nobody_is_done(
    extract: Extracting, endpoint: str
) -> None:
    mapped(extract, endpoint)
    extract.sandbox.add_fault("http_400", endpoint=endpoint)
    ran = extract(endpoint)

    assert isinstance(ran.error, RequestRejectedError)
    assert ran.unit.status is Status.FAILED
    assert extract.bronze.files(endpoint) == []
    assert len(ran.calls) < 40


def test_coins_that_the_api_passes_over_are_named_and_asked_again(extract: Extracting) -> None:
    class Unknown(CryptocurrencyInfoExtractor):
        """Asks for an id that is nobody's, too."""

        def plan(self, snapshot: datetime) -> Sequence[str]:
            return [*super().plan(snapshot), "999999"]

    mapped(extract, COIN_INFO)
    ran = extract(COIN_INFO, cls=Unknown)

    assert (ran.error, len(ran.calls)) == (None, 1)
    assert ran.unit.notices == [f"{COIN_INFO}: the API refuses id 999999; asked again by the next scan"]
    assert extract.journal(COIN_INFO)["refused"] == ["999999"]


@pytest.mark.parametrize("endpoint", [EXCHANGE_INFO, COIN_INFO])
def test_an_answer_that_knows_nobody_of_a_whole_batch_is_none(extract: Extracting, endpoint: str) -> None:
    mapped(extract, endpoint)
    extract.sandbox.add_fault("empty_data", endpoint=endpoint)
    ran = extract(endpoint)

    assert isinstance(ran.error, AnswerError)
    assert extract.bronze.files(endpoint) == []


def test_a_batch_that_fails_costs_only_itself_and_is_asked_by_the_next_run_of_the_day(extract: Extracting) -> None:
    ids = mapped(extract, COIN_INFO)
    extract.sandbox.add_fault("http_503", endpoint=COIN_INFO, skip=1, times=5)
    ran = extract(COIN_INFO, cls=FewCoins)

    assert isinstance(ran.error, ApiUnavailableError)
    assert ran.unit.status is Status.PARTIAL
    assert [str(row["id"]) for row in extract.rows(ran, "id")] == [*ids[:20], *ids[40:]]
    assert not extract.journal(COIN_INFO)["is_complete"]

    again = extract(COIN_INFO, cls=FewCoins)
    assert batches(again.calls) == [ids[20:40]]
    assert extract.journal(COIN_INFO)["is_complete"]


def test_an_id_is_done_only_after_its_answer_is_in_bronze(extract: Extracting) -> None:
    class KilledBefore(FewCoins):
        """Dies with the second answer in hand."""

        def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
            for part in super().ask(ids, snapshot):
                if extract.bronze.files(COIN_INFO):
                    raise Killed
                yield part

    ids = mapped(extract, COIN_INFO)
    assert batches(extract.killed(COIN_INFO, KilledBefore)) == [ids[:20], ids[20:40]]
    again = extract(COIN_INFO, cls=FewCoins)

    assert batches(again.calls) == [ids[20:40], ids[40:60]]


def test_without_a_map_nobody_can_be_asked(extract: Extracting) -> None:
    for endpoint in MAP_OF:
        ran = extract(endpoint)
        assert isinstance(ran.error, MissingInputError)
        assert ran.error.hint.startswith(f"run `cryptoelt extract --endpoint {MAP_OF[endpoint]}`")
        assert ran.calls == []


def test_a_damaged_map_does_not_hide_the_one_before(extract: Extracting) -> None:
    ids = mapped(extract, EXCHANGE_INFO)
    extract(EXCHANGES)
    extract.spoil(extract.bronze.files(EXCHANGES)[-1])

    assert extract(EXCHANGE_INFO).ids == ids


# --- who is asked when ------------------------------------------------------------------------------------------------


def test_coins_are_asked_when_new_or_renamed_or_old_and_about_as_many_every_week(tmp_path: Path) -> None:
    world = World(categories=2, churn=True, coins=180, haste=2.0, exchanges=2, publishers=1, wallet_rows=4)
    with SandboxServer(seed=3, world=world, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        extract = Extracting(tmp_path, server)
        info = extract.settings.extract.info_days
        (ran, first) = extract.init(COINS, COIN_INFO)
        assert set(first.ids) == {str(row["id"]) for row in extract.rows(ran, "id")}
        asked = dict.fromkeys(first.ids, first.snapshot)
        names = known_names(extract, first)
        renamed_in_all, sizes = 0, []
        for _ in range(17):
            server.advance(7 * DAY)
            coins = {row["id"]: (row["name"], row["symbol"]) for row in extract.rows(extract(COINS), *FIELDS)}
            ran = extract(COIN_INFO)
            new = {str(id_) for id_ in coins} - asked.keys()
            renamed = {str(id_) for id_, name in coins.items() if id_ in names and trimmed(name) != names[id_]}
            assert new | renamed <= set(ran.ids)
            assert max(Counter(ran.ids).values()) == 1
            asked |= dict.fromkeys(ran.ids, ran.snapshot)
            names |= known_names(extract, ran)
            oldest = min(asked[str(id_)] for id_ in coins)
            assert ran.snapshot - oldest <= timedelta(days=info + 7)
            renamed_in_all += len(renamed)
            sizes.append(len(set(ran.ids) - new - renamed))

    assert renamed_in_all > 0
    assert max(sizes) <= 2 * 180 * 7 / info
    assert max(sizes) - min(sizes) <= 10


FIELDS = ("id", "name", "symbol")


def known_names(extract: Extracting, ran: Ran) -> dict[int, tuple[str, ...]]:
    return {row["id"]: trimmed((row["name"], row["symbol"])) for row in extract.rows(ran, *FIELDS)}


def trimmed(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for name in names)


def test_every_exchange_is_asked_every_week(extract: Extracting) -> None:
    ids = mapped(extract, EXCHANGE_INFO)
    for _ in range(2):
        assert sorted(extract(EXCHANGE_INFO).ids) == sorted(ids)
        extract.sandbox.advance(7 * DAY)
