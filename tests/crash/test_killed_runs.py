"""Runs that are killed, and the checks of the drill themselves, which must notice what they are there for."""

from __future__ import annotations

import os
import random
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.crash.drill import Drill, make_sandbox
from tests.crash.invariants import BrokenPromiseError
from tests.e2e.support import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.crash.invariants import Witness

_KILLS = 6


@pytest.fixture(scope="module")
def seed() -> int:
    """Another drill each time; `CRASH_SEED` repeats one."""
    return int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(10**6))


@pytest.fixture(scope="module")
def drill(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    home = tmp_path_factory.mktemp("killed")
    with make_sandbox(seed) as sandbox:
        yield Drill(home, sandbox, random.Random(seed), print)
    embedded_postgres(home).remove()


def test_killed_runs_lose_nothing_and_repeat_nothing(drill: Drill, seed: int) -> None:
    """The first kill meets a home whose database is still being made, the last one takes the server along."""
    print(f"CRASH_SEED={seed}")
    try:
        drill.kill_at_random()
        drill.kill_after("rejected records", fault="nul_in_text@cryptocurrency/categories*1")
        for number in range(3, _KILLS + 1):
            drill.kill_at_random(power_cut=number == _KILLS)
        drill.compare(samples=None)
    except BrokenPromiseError as broken:
        pytest.fail(f"CRASH_SEED={seed}: {broken}")
    assert len(drill.kills) == _KILLS


# --- the checks can fail ----------------------------------------------------------------------------------------------


@contextmanager
def _row_missing(witness: Witness) -> Iterator[None]:
    """One row of a fact is not in the warehouse."""
    _execute(
        witness,
        "CREATE TABLE public.kept AS SELECT * FROM dwh.fact_global_market ORDER BY snapshot_timestamp DESC LIMIT 1",
        "DELETE FROM dwh.fact_global_market WHERE snapshot_timestamp = (SELECT snapshot_timestamp FROM public.kept)",
    )
    yield
    _execute(witness, "INSERT INTO dwh.fact_global_market SELECT * FROM public.kept", "DROP TABLE public.kept")


@contextmanager
def _loaded_twice(witness: Witness) -> Iterator[None]:
    """One snapshot is in two load batches."""
    _execute(
        witness,
        "INSERT INTO ops.load_batch (run_id, table_name, snapshots, rows_in, rows_loaded, rows_present,"
        " rows_quarantined, started_at, ended_at) SELECT 'twice', table_name, snapshots, rows_in, 0, rows_in, 0,"
        " started_at, ended_at FROM ops.load_batch WHERE table_name = 'fact_market_sentiment' LIMIT 1",
    )
    yield
    _execute(witness, "DELETE FROM ops.load_batch WHERE run_id = 'twice'")


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
    path = witness.home / "lake" / witness.bronze()[-1].path
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
        (_row_missing, "rows in Silver, 0 in the warehouse"),
        (_loaded_twice, "not in exactly one batch"),
        (_answer_missing, "are journalled"),
        (_file_missing, "that Bronze has not"),
        (_credit_too_many, "credits charged"),
        (_line_damaged, "is not JSON"),
    ],
)
def test_the_drill_notices(
    drill: Drill, sabotage: Callable[[Witness], AbstractContextManager[None]], words: str
) -> None:
    kills = len(drill.kills)
    if not kills:
        pytest.skip("the drill did not come so far")
    with sabotage(drill.witness), pytest.raises(BrokenPromiseError, match=words):
        drill.witness.check_after_run(kills)
    drill.witness.check_after_run(kills)


_STRANGE_VERSION = """
    INSERT INTO dwh.dim_crypto_category_history (category_id, snapshot_timestamp, valid_from, valid_to, load_batch_id)
    SELECT category_id, snapshot_timestamp, snapshot_timestamp, now(), 0 FROM dwh.dim_crypto_category LIMIT 1
"""


@pytest.mark.parametrize(
    ("sabotage", "undo", "words"),
    [
        pytest.param(
            "UPDATE dwh.fact_global_market SET total_market_cap = total_market_cap * 2",
            "UPDATE dwh.fact_global_market SET total_market_cap = total_market_cap / 2",
            "fact_global_market .*expected",
            id="another figure",
        ),
        pytest.param(
            "UPDATE dwh.dim_crypto_category SET title = 'x' || title",
            "UPDATE dwh.dim_crypto_category SET title = substr(title, 2)",
            "dim_crypto_category: expected",
            id="another title",
        ),
        pytest.param(
            _STRANGE_VERSION,
            "DELETE FROM dwh.dim_crypto_category_history WHERE load_batch_id = 0",
            "history: expected",
            id="a version too many",
        ),
    ],
)
def test_the_drill_notices_what_was_never_served(drill: Drill, sabotage: str, undo: str, words: str) -> None:
    if not drill.kills:
        pytest.skip("the drill did not come so far")
    _execute(drill.witness, sabotage)
    try:
        with pytest.raises(BrokenPromiseError, match=words):
            drill.compare(samples=None)
    finally:
        _execute(drill.witness, undo)
    drill.compare(samples=None)
