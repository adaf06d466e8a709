"""Answers that are of somebody else than was asked for: kept and marked, and no answer for anyone."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.api.answer import RawRecord
from cryptoelt.errors import UnusableAnswerError
from cryptoelt.extract.cryptocurrency_category import CategoryExtractor
from cryptoelt.extract.exchange_assets import ExchangeAssetsExtractor
from cryptoelt.extract.exchange_info import ExchangeInfoExtractor
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from tests.support.extracting import Extracting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.api.answer import Answer

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T09:00:00Z"
EXCHANGES, INFO, ASSETS = "exchange/map", "exchange/info", "exchange/assets"
LIST, MEMBERS = "cryptocurrency/categories", "cryptocurrency/category"
WORLD = World(categories=4, churn=False, coins=60, exchanges=12, publishers=12, wallet_rows=48)


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    with SandboxServer(seed=7, world=WORLD, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        yield Extracting(tmp_path, server)


def reasons(extract: Extracting, endpoint: str) -> list[str]:
    """Why the files of an endpoint are unusable, those that are."""
    notes = [extract.bronze.footer(file).note for file in extract.bronze.files(endpoint)]
    return [note.unusable for note in notes if note.unusable]


def infos_changed(change: Any) -> type[ExchangeInfoExtractor]:
    """The extractor of infos whose answers come with other records under their ids."""

    class Changed(ExchangeInfoExtractor):
        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            answer = super()._ask(snapshot, rows, **parameters)
            value = change(answer.records[0].value)
            return dataclasses.replace(answer, records=[RawRecord(value, json.dumps(value))])

    return Changed


def one_for_all(infos: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(infos, next(iter(infos.values())))


def of_nobody(infos: dict[str, Any]) -> dict[str, Any]:
    return {str(int(id_) + 900_000): {**info, "id": int(id_) + 900_000} for id_, info in infos.items()}


def with_many_others(infos: dict[str, Any]) -> dict[str, Any]:
    return infos | of_nobody(infos) | {"1": {**next(iter(infos.values())), "id": 1}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (one_for_all, "11 of 12 records are of another id than they stand under"),
        (of_nobody, "12 of 12 records are of ids that were not asked for"),
        (with_many_others, "13 of 25 records are of ids that were not asked for"),
    ],
)
def test_a_batch_of_the_infos_of_others_answers_nobody(extract: Extracting, change: Any, reason: str) -> None:
    extract.init(EXCHANGES)
    (ran,) = extract.init(INFO, cls=infos_changed(change))
    (again,) = extract.init(INFO)

    assert isinstance(ran.error, UnusableAnswerError)
    assert reasons(extract, INFO) == [reason]
    assert (again.error, again.unit.rows_in) == (None, 12)


def test_an_info_of_another_is_left_out_and_so_is_one_not_asked_for(extract: Extracting) -> None:
    def change(infos: dict[str, Any]) -> dict[str, Any]:
        first, second, *_ = infos
        return infos | {first: infos[second], "900001": {**infos[second], "id": 900_001}}

    extract.init(EXCHANGES)
    (ran,) = extract.init(INFO, cls=infos_changed(change))

    ids = [row["id"] for row in extract.rows(ran, "id")]
    assert ran.error is None
    assert (len(ids), len(set(ids))) == (11, 11)
    assert 900_001 not in ids
    assert len(ran.unit.notices) == 1


def test_a_category_that_was_not_asked_for_is_no_answer(extract: Extracting) -> None:
    class Same(CategoryExtractor):
        first = ""

        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            self.first = self.first or parameters["id"]
            return super()._ask(snapshot, rows, **{**parameters, "id": self.first})

    extract.init(LIST)
    (ran,) = extract.init(MEMBERS, cls=Same)

    assert isinstance(ran.error, UnusableAnswerError)
    assert len(reasons(extract, MEMBERS)) == 3
    assert "it is of category" in reasons(extract, MEMBERS)[0]


def test_the_wallets_of_one_exchange_are_not_those_of_all(extract: Extracting) -> None:
    class Same(ExchangeAssetsExtractor):
        first = ""

        def _ask(self, snapshot: datetime, rows: int | None = None, **parameters: str) -> Answer:
            self.first = self.first or parameters["id"]
            return super()._ask(snapshot, rows, **{**parameters, "id": self.first})

    extract.init(EXCHANGES)
    (ran,) = extract.init(ASSETS, cls=Same)
    (again,) = extract.init(ASSETS)

    assert isinstance(ran.error, UnusableAnswerError)
    assert "it is the very answer of exchange" in reasons(extract, ASSETS)[0]
    assert ran.unit.rows_in == 6, "those of the first alone"
    assert again.error is None
