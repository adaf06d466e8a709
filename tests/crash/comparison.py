"""What came out against what should have: the answers that were served, and a warehouse that was never killed."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from tests.crash.invariants import BrokenPromiseError, require
from tests.e2e.support import Cli, home_env

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from cryptoelt.lake.bronze import BronzeFile
    from cryptoelt.warehouse.engine import Warehouse
    from tests.crash.invariants import Witness

#: Seconds that building all snapshots of the full drill anew may take.
_LONGEST_REBUILD = 3600.0
#: Everything that does not depend on when, and in which batch, a row was loaded.
_CONTENT = {
    "dwh.dim_crypto_category": "to_jsonb(t) - 'load_batch_id'",
    "dwh.dim_crypto_category_history": "to_jsonb(t) - 'load_batch_id'",
    "dwh.fact_crypto_category": "to_jsonb(t) - 'load_batch_id'",
    "dwh.fact_global_market": "to_jsonb(t) - 'load_batch_id'",
    "dwh.fact_market_sentiment": "to_jsonb(t) - 'load_batch_id'",
    "ops.quarantine": "to_jsonb(t) - 'load_batch_id' - 'quarantine_id' - 'quarantined_at'",
}
#: Warehouse column -> where the answer has it; the figures that people look at.
_CATEGORY = {"num_tokens": "num_tokens", "market_cap": "market_cap", "volume": "volume"}
_QUOTE = ("total_market_cap", "total_volume_24h", "altcoin_market_cap")


def compare_with_never_killed(witness: Witness) -> None:
    """Build a second warehouse from the same Bronze without a kill; every row of the two must be equal.

    Raises:
        BrokenPromiseError: they differ.
    """
    twin_home = witness.home.with_name(f"{witness.home.name}-twin")
    shutil.copytree(witness.home / "lake" / "bronze", twin_home / "lake" / "bronze")
    with closing(witness.warehouse.connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute("DROP DATABASE IF EXISTS twin")
        connection.cursor().execute("CREATE DATABASE twin TEMPLATE template0")
    url = f"{witness.warehouse.url.get_secret_value().rpartition('/')[0]}/twin"
    cli = Cli(twin_home, home_env(twin_home, WAREHOUSE__URL=url), longest=_LONGEST_REBUILD)
    for arguments in (("db", "upgrade"), ("transform", "--freq", "10x"), ("load", "--freq", "10x")):
        done = cli(*arguments)
        require(done.code == 0, f"the twin's `{' '.join(arguments)}` ended badly: {done.told}")
    twin = witness.warehouse.beside("twin")
    for table, content in _CONTENT.items():
        ours, theirs = _content(witness.warehouse, table, content), _content(twin, table, content)
        if ours != theirs:
            raise BrokenPromiseError(
                f"{table} differs from that of a warehouse never killed: only here {sorted(ours - theirs)[:3]},"
                f" only there {sorted(theirs - ours)[:3]}"
            )
    shutil.rmtree(twin_home)


def _content(warehouse: Warehouse, table: str, content: str) -> set[str]:
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT ({content})::text FROM {table} AS t")
        rows = [row[0] for row in cursor.fetchall()]
    require(len(rows) == len(set(rows)), f"{table} holds rows twice")
    return set(rows)


def compare_with_answers(witness: Witness, rng: random.Random, samples: int = 3) -> None:
    """Compare the figures of some snapshots in the warehouse with the bodies that the sandbox sent.

    Raises:
        BrokenPromiseError: a figure is another, or is missing.
    """
    bodies = _bodies_by_call(witness)
    files = witness.bronze()
    moments = sorted({file.snapshot for file in files})
    for moment in rng.sample(moments, min(samples, len(moments))):
        for file in (file for file in files if file.snapshot == moment):
            (call_id,) = witness.raw(file).call_ids
            require(call_id in bodies, f"{file.path}: the sandbox never sent an answer like that of call {call_id}")
            for statement, expected in _figures(file, bodies[call_id]["data"]):
                found = witness.query(statement)
                require(found == [expected], f"{statement}: found {found}, the answer has {expected}")


def _bodies_by_call(witness: Witness) -> dict[str, Any]:
    call_of = {line["sha256"]: line["call_id"] for line in witness.calls()}
    found = {}
    for answer in witness.sandbox.served():
        body = witness.sandbox.served_body(answer["sequence"])
        if answer["sha256"] in call_of and body is not None:
            found[call_of[answer["sha256"]]] = json.loads(body)
    return found


def _figures(file: BronzeFile, data: Any) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Yield statements, each with the one row that it must return."""
    if file.endpoint == "cryptocurrency/categories":
        # Of one id twice the last record counts.
        for record in {record["id"]: record for record in data}.values():
            where = f"category_id = '{record['id']}' AND snapshot_timestamp = '{iso(file.snapshot)}'"
            statement = f"SELECT {', '.join(_CATEGORY)} FROM dwh.fact_crypto_category WHERE {where}"
            yield statement, tuple(record[name] for name in _CATEGORY.values())
    elif file.endpoint == "global-metrics/quotes/latest":
        at = f"snapshot_timestamp = '{iso(file.snapshot)}'"
        statement = f"SELECT btc_dominance, {', '.join(_QUOTE)} FROM dwh.fact_global_market WHERE {at}"
        yield statement, (data["btc_dominance"], *(data["quote"]["USD"][name] for name in _QUOTE))
    elif file.endpoint == "fear-and-greed/latest":
        at = f"snapshot_timestamp = '{iso(file.snapshot)}'"
        yield (
            f"SELECT fear_greed_score, sentiment_label FROM dwh.fact_market_sentiment WHERE {at}",
            (data["value"], data["value_classification"]),
        )
