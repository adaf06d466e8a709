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
    from collections.abc import Iterable

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
#: The figures that people look at; answer and warehouse call them the same.
_CATEGORY = ("num_tokens", "market_cap", "volume")
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


def compare_dimension(witness: Witness) -> None:
    """Follow every category through the raw records; the warehouse must hold its last version, and all former ones.

    Raises:
        BrokenPromiseError: a version is missing, is another, or should not be there.
    """
    current: dict[object, tuple[object, ...]] = {}
    former: list[tuple[object, ...]] = []
    for file in sorted(witness.bronze(), key=lambda file: file.snapshot):
        if file.endpoint == "cryptocurrency/categories":
            for key, attributes in _described(witness.raw(file).records).items():
                if key in current and current[key][1:] != attributes:
                    former.append((key, *current[key], file.snapshot))
                if key not in current or current[key][1:] != attributes:
                    current[key] = (file.snapshot, *attributes)
    columns = "category_id, snapshot_timestamp, name, title, description"
    found = witness.query(f"SELECT {columns} FROM dwh.dim_crypto_category WHERE NOT is_inferred")
    _require_same("dim_crypto_category", found, [(key, *version) for key, version in current.items()])
    found = witness.query(f"SELECT {columns}, valid_to FROM dwh.dim_crypto_category_history")
    _require_same("dim_crypto_category_history", found, former)


def _described(records: Iterable[str]) -> dict[object, tuple[object, ...]]:
    """Return name, title and description of each category; not of a record that has to be quarantined."""
    found = {}
    for record in map(json.loads, records):
        texts = tuple((record.get(name) or "").strip(" \t\r\n") or None for name in ("name", "title", "description"))
        if not any(text and "\0" in text for text in texts):
            found[record["id"]] = texts
    return found


def _require_same(table: str, found: list[tuple[object, ...]], expected: list[tuple[object, ...]]) -> None:
    missing, strange = set(expected) - set(found), set(found) - set(expected)
    require(not missing and not strange, f"{table}: expected {list(missing)[:3]}, found {list(strange)[:3]}")
    require(len(found) == len(expected), f"{table}: {len(found)} rows, {len(expected)} expected")


def compare_with_answers(witness: Witness, rng: random.Random, samples: int | None = 3) -> None:
    """Compare the figures of some snapshots in the warehouse (None: of all) with the bodies that the sandbox sent.

    Raises:
        BrokenPromiseError: a figure is another, or is missing.
    """
    bodies = _bodies_by_call(witness)
    files = witness.bronze()
    moments = sorted({file.snapshot for file in files})
    for moment in moments if samples is None else rng.sample(moments, min(samples, len(moments))):
        for file in (file for file in files if file.snapshot == moment):
            (call_id,) = witness.raw(file).call_ids
            require(call_id in bodies, f"{file.path}: the sandbox never sent an answer like that of call {call_id}")
            statement, expected = _figures(file, bodies[call_id]["data"])
            _require_same(f"{file.path}: {statement}", witness.query(statement), expected)


def _bodies_by_call(witness: Witness) -> dict[str, Any]:
    call_of = {line["sha256"]: line["call_id"] for line in witness.calls()}
    found = {}
    for answer in witness.sandbox.served():
        body = witness.sandbox.served_body(answer["sequence"])
        if answer["sha256"] in call_of and body is not None:
            found[call_of[answer["sha256"]]] = json.loads(body)
    return found


def _figures(file: BronzeFile, data: Any) -> tuple[str, list[tuple[object, ...]]]:
    """Return a statement, and the rows that it must return."""
    at = f"snapshot_timestamp = '{iso(file.snapshot)}'"
    match file.endpoint:
        case "cryptocurrency/categories":
            # Of one id twice the last record counts.
            records = {record["id"]: record for record in data}
            rows = [(key, *(record[name] for name in _CATEGORY)) for key, record in records.items()]
            return f"SELECT category_id, {', '.join(_CATEGORY)} FROM dwh.fact_crypto_category WHERE {at}", rows
        case "global-metrics/quotes/latest":
            figures = (data["btc_dominance"], *(data["quote"]["USD"][name] for name in _QUOTE))
            return f"SELECT btc_dominance, {', '.join(_QUOTE)} FROM dwh.fact_global_market WHERE {at}", [figures]
        case "fear-and-greed/latest":
            figures = (data["value"], data["value_classification"])
            return f"SELECT fear_greed_score, sentiment_label FROM dwh.fact_market_sentiment WHERE {at}", [figures]
        case other:
            raise AssertionError(other)
