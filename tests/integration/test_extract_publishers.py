"""Who is asked for assets every day: those who say that they publish, and those that lately did, said or not."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pytest

from cryptoelt.extract import extractors
from cryptoelt.extract.publishers import declared_publishers
from cryptoelt.extract.scan_state import last_turns
from cryptoelt.lake.bronze import COMMON_FIELDS, Bronze
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.lake.scan_note import ScanNote
from cryptoelt.lake.store import LocalStore
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ExtractSettings
from tests.support.extracting import Extracting

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T08:20:00Z"
AT = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)
EXCHANGES, INFO, ASSETS = "exchange/map", "exchange/info", "exchange/assets"
ROTATION = 4


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    """A market of 14 exchanges: four publish and say so, one publishes and does not, one says so and sends nothing."""
    with SandboxServer(seed=7, world="small", start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        extracting = Extracting(tmp_path, server, {"extract": ExtractSettings(rotation_days=ROTATION)})
        extracting(EXCHANGES)
        yield extracting


def declared(extract: Extracting) -> set[str]:
    """Return who says so in the answers as they were sent."""
    infos = (extract.served(call) for call in extract.sandbox.served() if call["endpoint"] == INFO)
    return {id_ for answer in infos for id_, info in answer.items() if info["porStatus"] == 1}


def test_whoever_says_so_is_asked_every_day_and_an_empty_list_is_an_answer(extract: Extracting) -> None:
    extract(INFO)
    asked = Counter[str]()
    days = 3 * ROTATION
    for _ in range(days):
        ran = extract(ASSETS)
        assert ran.error is None
        assert Counter(ran.ids).most_common(1)[0][1] == 1
        asked.update(ran.ids)
        extract.next_weekday()

    daily = {id_ for id_, times in asked.items() if times == days}
    assert daily == declared(extract)
    assert len(daily) == 5
    assert len(asked) == 14, "the rotation has asked everybody"
    found = [id_ for id_, times in asked.items() if days - ROTATION <= times < days]
    assert len(found) == 1, "the rotation has found who publishes without saying so"
    others = [times for id_, times in asked.items() if id_ not in {*daily, *found}]
    assert all(days // ROTATION - 1 <= times <= days // ROTATION + 1 for times in others)


def test_without_any_info_those_with_known_assets_are_asked_every_day(extract: Extracting) -> None:
    (first,) = extract.init(ASSETS)
    publishers = {call["parameters"]["id"] for call in first.calls if call["records"]}
    extract.next_weekday()
    assert extract(ASSETS).ids[:5] == [id_ for id_ in first.ids if id_ in publishers]


def test_a_machine_that_stood_still_for_months_forgets_nobody_who_published(extract: Extracting) -> None:
    (first,) = extract.init(ASSETS)
    publishers = {call["parameters"]["id"] for call in first.calls if call["records"]}
    extract.sandbox.advance(100 * 86_400)
    assert publishers <= set(extract(ASSETS).ids)


# --- what an info says ------------------------------------------------------------------------------------------------


def table(endpoint: str, rows: list[dict[str, Any]]) -> pa.Table:
    common = {"snapshot_timestamp": AT, "call_id": "call", "record_number": 0, "raw": "{}"}
    schema = pa.schema([*COMMON_FIELDS, *(pa.field(c.name, c.type) for c in extractors()[endpoint].columns)])
    return pa.Table.from_pylist([{**common, **row} for row in rows], schema=schema)


def keep_infos(bronze: Bronze, moment: datetime, statuses: dict[int, str], part: int = 1, unusable: str = "") -> Path:
    rows = [{"id": id_, "raw": raw} for id_, raw in statuses.items()]
    file = bronze.write(INFO, moment, table(INFO, rows), BronzeNote(clean=True, unusable=unusable), part)
    return Path(bronze.location(file))


def test_of_each_exchange_its_newest_info_counts_in_whatever_form_it_says_so(tmp_path: Path) -> None:
    bronze = Bronze(LocalStore(tmp_path))
    assert declared_publishers(bronze) is None
    values: list[object] = [1, "1", 0, "0", None, [1], {}]
    status = {number: json.dumps({"porStatus": value}) for number, value in enumerate(values)}
    odd = {10: "{}", 11: "[]", 12: "7", 13: '{"porStatus": NaN}'}
    keep_infos(bronze, AT, status | odd)
    assert declared_publishers(bronze) == frozenset({"0", "1"})

    keep_infos(bronze, AT + timedelta(days=7), {0: '{"porStatus": 0}'}, 1)
    keep_infos(bronze, AT + timedelta(days=7), {2: '{"porStatus": 1}'}, 2)
    assert declared_publishers(bronze) == frozenset({"1", "2"})


def test_a_damaged_info_leaves_the_word_of_the_one_before(tmp_path: Path) -> None:
    bronze = Bronze(LocalStore(tmp_path))
    keep_infos(bronze, AT, {1: '{"porStatus": 1}'})
    keep_infos(bronze, AT + timedelta(days=7), {1: '{"porStatus": 0}'}).write_bytes(b"torn")
    assert declared_publishers(bronze) == frozenset({"1"})


def test_an_unusable_info_says_nothing_of_anybody(tmp_path: Path) -> None:
    bronze = Bronze(LocalStore(tmp_path))
    keep_infos(bronze, AT, {1: '{"porStatus": 1}'})
    keep_infos(bronze, AT + timedelta(days=7), {1: '{"porStatus": 0}', 2: '{"porStatus": 1}'}, unusable="all are of 2")
    assert declared_publishers(bronze) == frozenset({"1"})


# --- the rotation -----------------------------------------------------------------------------------------------------


class Counting(LocalStore):
    """Counts what is opened."""

    opened = 0

    def open(self, path: str) -> BinaryIO:
        self.opened += 1
        return super().open(path)


def test_of_scans_older_than_a_week_one_footer_is_read(tmp_path: Path) -> None:
    store = Counting(tmp_path)
    bronze, days, ids = Bronze(store), 30, [str(number) for number in range(60)]
    for day in range(days):
        moment = AT + timedelta(days=day)
        turn = tuple(ids[2 * day : 2 * day + 2])
        for part, id_ in enumerate(turn, start=1):
            note = ScanNote(moment, (id_,), 2, planned=turn if part == 1 else None, left=() if part == 1 else None)
            bronze.write(ASSETS, moment, table(ASSETS, []), BronzeNote(clean=True, scan=note), part)

    turns = last_turns(bronze, ASSETS, ids, timedelta(days=180), exact=timedelta(days=7))
    assert turns == {id_: AT + timedelta(days=number // 2) for number, id_ in enumerate(ids)}
    assert store.opened == 8 * 2 + (days - 8)


def test_who_was_planned_lately_and_not_answered_has_not_had_its_turn(tmp_path: Path) -> None:
    bronze = Bronze(LocalStore(tmp_path))
    old, new = AT, AT + timedelta(days=20)
    whole = ScanNote(old, ("a",), 3, planned=("a", "b", "c"), left=("c",))
    bronze.write(ASSETS, old, table(ASSETS, []), BronzeNote(clean=True, scan=whole), 1)
    bronze.write(ASSETS, new, table(ASSETS, []), BronzeNote(clean=True, scan=ScanNote(new, ("a",), 2, ("a", "b"))), 1)

    assert last_turns(bronze, ASSETS, ["a", "b", "c"], timedelta(days=180), exact=timedelta(days=7)) == {
        "a": new, "b": old,
    }  # fmt: skip
