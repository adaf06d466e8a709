"""Runs that are killed, and the checks of the drill themselves, which must notice what they are there for."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from cryptoelt.frequencies import INIT
from cryptoelt.lake.bronze_note import BronzeNote
from tests.crash.drill import Drill, make_sandbox
from tests.support.chance import seed
from tests.support.cli import embedded_postgres
from tests.support.invariants import BrokenPromiseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from cryptoelt.lake.bronze import BronzeFile
    from tests.support.invariants import Witness

_KILLS = 3
_ASSETS = "exchange/assets"
#: Answers of the asset scan with which it is killed, and those that are so slow that it is killed before the last.
_KEPT, _SLOW = 5, 10


@dataclass(frozen=True)
class Scanned:
    """What an init that was killed in its asset scan, and the one after it, asked and kept."""

    calls: list[dict[str, Any]]
    files: list[BronzeFile]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Drill, Scanned]]:
    """Three kills in one home, each made good; the second takes the server along, and is followed by the third at once.

    `make crash` kills at every moment.
    """
    home = tmp_path_factory.mktemp("killed")
    with make_sandbox(seed()) as sandbox:
        made = Drill(home, sandbox, random.Random(seed()), print)
        sandbox.add_fault(f"slow=0.3@{_ASSETS}*{_SLOW}")
        made.kill_after("part of a scan", INIT, _KEPT)
        scanned = Scanned(sandbox.served(), made.witness.bronze(_ASSETS))
        made.kill_at_random("5x", power_cut=True, recover=False)
        made.kill_after("rejected records", "10x", fault="nul_in_text@cryptocurrency/categories*1")
        yield made, scanned
    embedded_postgres(home).remove()


@pytest.fixture(scope="module")
def drill(told: tuple[Drill, Scanned]) -> Drill:
    """The home in which runs were killed; sabotage is undone by who commits it."""
    return told[0]


def test_an_init_killed_in_the_middle_of_the_asset_scan_asks_only_for_what_is_missing(
    told: tuple[Drill, Scanned],
) -> None:
    drill, scanned = told
    witness, calls, files = drill.witness, scanned.calls, scanned.files
    kept = {id_ for file in files if file.snapshot == files[0].snapshot for id_ in _answered(witness, file)}
    assert _KEPT <= len(kept) <= _SLOW
    asked = Counter(call["parameters"]["id"] for call in calls if call["endpoint"] == _ASSETS)
    assert asked.keys() == {str(key) for (key,) in witness.raw(witness.bronze("exchange/map")[-1]).keys}
    again = {id_: times for id_, times in asked.items() if times > 1}
    assert list(again.values()) in ([], [2])  # at most the one that was under way
    assert not kept & again.keys()
    others = Counter(call["endpoint"] for call in calls)
    assert (others["exchange/map"], others["exchange/info"]) == (1, 1)


def _answered(witness: Witness, file: BronzeFile) -> list[str]:
    """Return the ids that one file of a scan answers."""
    scan = BronzeNote.of(pq.read_schema(witness.home / "lake" / file.path).metadata).scan
    assert scan is not None
    return list(scan.answered)


def test_killed_runs_lose_nothing_and_repeat_nothing(drill: Drill) -> None:
    assert len(drill.kills) == _KILLS
    drill.compare(samples=None)


# --- the checks can fail ----------------------------------------------------------------------------------------------


@contextmanager
def _row_missing(witness: Witness) -> Iterator[None]:
    """One row of a fact is not in the warehouse."""
    row = "crypto_id = 1 AND snapshot_timestamp = (SELECT max(snapshot_timestamp) FROM dwh.fact_crypto_market)"
    _execute(
        witness,
        f"CREATE TABLE public.kept AS SELECT * FROM dwh.fact_crypto_market WHERE {row}",
        f"DELETE FROM dwh.fact_crypto_market WHERE {row}",
    )
    yield
    _execute(witness, "INSERT INTO dwh.fact_crypto_market SELECT * FROM public.kept", "DROP TABLE public.kept")


@contextmanager
def _point_missing(witness: Witness) -> Iterator[None]:
    """A point of the index's history is not in the warehouse."""
    row = "snapshot_timestamp = (SELECT min(snapshot_timestamp) FROM dwh.fact_market_sentiment)"
    _execute(
        witness,
        f"CREATE TABLE public.kept AS SELECT * FROM dwh.fact_market_sentiment WHERE {row}",
        f"DELETE FROM dwh.fact_market_sentiment WHERE {row}",
    )
    yield
    _execute(witness, "INSERT INTO dwh.fact_market_sentiment SELECT * FROM public.kept", "DROP TABLE public.kept")


@contextmanager
def _loaded_twice(witness: Witness) -> Iterator[None]:
    """One snapshot is in two load batches."""
    _execute(
        witness,
        "INSERT INTO ops.load_batch (run_id, table_name, snapshots, rows_in, rows_loaded, rows_present,"
        " rows_quarantined, started_at, ended_at) SELECT 'twice', table_name, snapshots, rows_in, 0, rows_in, 0,"
        " started_at, ended_at FROM ops.load_batch WHERE table_name = 'fact_exchange_assets' LIMIT 1",
    )
    yield
    _execute(witness, "DELETE FROM ops.load_batch WHERE run_id = 'twice'")


@contextmanager
def _membership_twice(witness: Witness) -> Iterator[None]:
    """A coin belongs to a category that nobody said."""
    _execute(
        witness,
        "INSERT INTO dwh.link_crypto_category (crypto_id, category_id, valid_from, snapshot_timestamp, load_batch_id)"
        " SELECT crypto_id, category_id, now(), now(), 0 FROM dwh.link_crypto_category LIMIT 1",
    )
    yield
    _execute(witness, "DELETE FROM dwh.link_crypto_category WHERE load_batch_id = 0")


@contextmanager
def _answer_missing(witness: Witness) -> Iterator[None]:
    """An answer that was paid for is not in Bronze, and the ledger says nothing of it."""
    path = witness.home / "metadata" / "calls"
    (journal,) = path.glob("*.jsonl")
    whole = journal.read_bytes()
    served = next(line for line in whole.splitlines() if b"fear-and-greed" in line)
    journal.write_bytes(whole.replace(served + b"\n", b""))
    yield
    journal.write_bytes(whole)


@contextmanager
def _file_missing(witness: Witness) -> Iterator[None]:
    """A Bronze file is gone."""
    with _taken_away(witness, witness.bronze("cryptocurrency/map")[-1]):
        yield


@contextmanager
def _empty_part_missing(witness: Witness) -> Iterator[None]:
    """The answer of an exchange that publishes nothing is gone."""
    file = next(file for file in witness.bronze(_ASSETS) if not witness.raw(file).records)
    with _taken_away(witness, file):
        yield


@contextmanager
def _taken_away(witness: Witness, file: BronzeFile) -> Iterator[None]:
    path = witness.home / "lake" / file.path
    path.rename(path.with_suffix(".gone"))
    yield
    path.with_suffix(".gone").rename(path)


@contextmanager
def _credit_too_many(witness: Witness) -> Iterator[None]:
    """The ledger has a credit that the provider does not count."""
    (ledger,) = (witness.home / "metadata" / "credits").glob("*.jsonl")
    whole = ledger.read_bytes()
    event = b'{"event":"settle","at":"2026-11-23T10:00:00Z","call_id":"x","endpoint":"key/info","credits":1}\n'
    ledger.write_bytes(whole + event)
    yield
    ledger.write_bytes(whole)


@contextmanager
def _line_damaged(witness: Witness) -> Iterator[None]:
    """A journal has half a line that is not its last one."""
    journal = witness.home / "metadata" / "load" / "fact_market_sentiment.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(b'{"run_id": "2026\n' + whole)
    yield
    journal.write_bytes(whole)


def _execute(witness: Witness, *statements: str) -> None:
    with closing(witness.warehouse.connect()) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.parametrize(
    ("sabotage", "words"),
    [
        (_row_missing, "fact_crypto_market: not as many rows in the warehouse as in Silver"),
        (_point_missing, "market_sentiment_history: the batches loaded"),
        (_loaded_twice, "not in exactly one batch"),
        (_membership_twice, "link_crypto_category: the batches loaded"),
        (_answer_missing, "are journalled"),
        (_file_missing, "Bronze has no answer of them"),
        (_empty_part_missing, "Bronze has no answer of them"),
        (_credit_too_many, "credits charged"),
        (_line_damaged, "is not JSON"),
    ],
)
def test_the_drill_notices(
    drill: Drill, sabotage: Callable[[Witness], AbstractContextManager[None]], words: str
) -> None:
    with sabotage(drill.witness), pytest.raises(BrokenPromiseError, match=words):
        drill.witness.check_after_run()


def test_the_drill_notices_an_answer_lost_without_a_kill(drill: Drill) -> None:
    first, second = drill.witness.bronze("cryptocurrency/listings/latest")[-2:]
    with (
        _taken_away(drill.witness, first),
        _taken_away(drill.witness, second),
        pytest.raises(BrokenPromiseError, match="one kill, and 2 calls"),
    ):
        drill.witness.check_after_kill()


def test_the_checks_pass_again_when_all_is_as_it_was(drill: Drill) -> None:
    drill.witness.check_after_run()


_STRANGE_VERSION = """
    INSERT INTO dwh.dim_crypto_category_history (category_id, snapshot_timestamp, valid_from, valid_to, load_batch_id)
    SELECT category_id, snapshot_timestamp, snapshot_timestamp, now(), 0 FROM dwh.dim_crypto_category LIMIT 1
"""
_DOUBLED = "UPDATE dwh.{table} SET {column} = {column} * 2"
_HALVED = "UPDATE dwh.{table} SET {column} = {column} / 2"


@pytest.mark.parametrize(
    ("sabotage", "undo", "words"),
    [
        *(
            pytest.param(
                _DOUBLED.format(table=table, column=column),
                _HALVED.format(table=table, column=column),
                words,
                id=f"another {column}",
            )
            for table, column, words in (
                ("fact_global_market", "total_market_cap", "fact_global_market .*expected"),
                ("fact_crypto_market", "price_usd", "fact_crypto_market .*expected"),
                ("fact_exchange_assets", "balance", "fact_exchange_assets .*expected"),
                ("dim_exchange_map", "weekly_visits", "dim_exchange_map: .* not the figures of the newest info"),
            )
        ),
        pytest.param(
            "UPDATE dwh.dim_crypto_info SET logo_url = 'x' || logo_url",
            "UPDATE dwh.dim_crypto_info SET logo_url = substr(logo_url, 2)",
            "dim_crypto_info: expected",
            id="another logo",
        ),
        pytest.param(
            _STRANGE_VERSION,
            "DELETE FROM dwh.dim_crypto_category_history WHERE load_batch_id = 0",
            "history: expected",
            id="a version too many",
        ),
        pytest.param(
            "UPDATE dwh.link_crypto_category SET valid_from = valid_from - interval '1 second'",
            "UPDATE dwh.link_crypto_category SET valid_from = valid_from + interval '1 second'",
            "link_crypto_category: expected",
            id="members too early",
        ),
    ],
)
def test_the_drill_notices_what_was_never_served(drill: Drill, sabotage: str, undo: str, words: str) -> None:
    _execute(drill.witness, sabotage)
    try:
        with pytest.raises(BrokenPromiseError, match=words):
            drill.compare(samples=None)
    finally:
        _execute(drill.witness, undo)


def test_the_comparison_passes_again_when_all_is_as_it_was(drill: Drill) -> None:
    drill.compare(samples=None)
