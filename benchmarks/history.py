"""A year of history, written in bulk into the home of a benchmark: Bronze, Silver, warehouse and journals.

Everything is a variation of what one real run left there, with figures drawn from a seed: files have the size and the
shape of real ones, and the same call gives the same history. A `raw` record keeps the figures it was sent with.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from benchmarks.history_lake import Past, newest_bronze, newest_silver, write_bronze, write_silver
from benchmarks.history_warehouse import write_warehouse
from cryptoelt.clock import iso
from cryptoelt.frequencies import endpoints_of, tables_of
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.silver import SilverTable
from cryptoelt.lake.store import LocalStore
from cryptoelt.transform.pending import silver_uri

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from benchmarks.scene import Scene

#: Journals of which each endpoint or table has one, and those that have one a month.
_OF_ALL_TIME = ("extract", "transform", "load")
_OF_A_MONTH = ("calls", "credits", "runs")
_CALL = {
    "parameters": {"convert": "USD", "limit": "5000"},
    "http_status": 200,
    "error_code": 0,
    "credits": 1,
    "elapsed_ms": 431,
    "server_elapsed": 87,
    "bytes": 181_467,
    "sha256": "5f" * 32,
    "outcome": "answered",
    "error": None,
    "message": None,
}


def write_history(made: Scene, past: Past, *, tended: bool) -> None:
    """Put a history in place of all that runs have left in a home.

    Args:
        made: the scene; its last run, of the frequency of `past`, is what the history varies.
        past: what to write.
        tended: whether Silver is as the upkeep leaves it, or every snapshot still has a file of its own.
    """
    lake, metadata = made.home / "lake", made.home / "metadata"
    uris = {name: silver_uri(str(lake), name) for name in tables_of(past.frequency)}
    bronze = {name: newest_bronze(Bronze(LocalStore(lake)), name) for name in endpoints_of(past.frequency)}
    silver = {name: newest_silver(uri) for name, uri in uris.items()}
    journals = [path for kind in _OF_ALL_TIME for path in sorted((metadata / kind).glob("*.jsonl"))]
    patterns = {path: path.read_text(encoding="utf-8").splitlines()[-1] for path in journals}
    shutil.rmtree(lake)
    for kind in (*_OF_ALL_TIME, *_OF_A_MONTH):
        shutil.rmtree(metadata / kind, ignore_errors=True)
    for name, rows in bronze.items():
        write_bronze(lake, name, rows, past)
    versions = {name: write_silver(uri, *silver[name], past, tended=tended) for name, uri in uris.items()}
    ids = {name: SilverTable(uri).table_id for name, uri in uris.items()}
    write_warehouse(made.server.ensure_running(), past, versions, ids)
    for path, pattern in patterns.items():
        line = json.loads(pattern)
        if path.stem in ids and "silver_table_id" in line:
            line["silver_table_id"] = ids[path.stem]
        _write_journal(path, line, past, versions.get(path.stem, {}))
    for moment in past.moments:
        _write_month(metadata, past.frequency, moment)


def _write_journal(path: Path, pattern: dict[str, Any], past: Past, versions: dict[datetime, int]) -> None:
    """Write the journal of an endpoint or a table: a line a snapshot, made from one real line."""
    for number, moment in enumerate(past.moments):
        own = {
            "run_id": past.run_id(number),
            "load_batch_id": None if path.parent.name != "load" else past.batch_id(path.stem, number),
            "started_at": iso(moment),
            "ended_at": iso(moment),
            "snapshot": iso(moment),
            "snapshots": [iso(moment)],
            "complete_through": iso(moment),
            "silver_version": versions.get(moment),
        }
        _append(path, pattern | {name: value for name, value in own.items() if name in pattern})


def _write_month(metadata: Path, frequency: str, moment: datetime) -> None:
    """Write what a run of this moment leaves in the journals that begin anew each month."""
    calls, credits, runs = (metadata / kind / f"{moment:%Y-%m}.jsonl" for kind in _OF_A_MONTH)
    for name in endpoints_of(frequency):
        call = {"call_id": f"past-{moment:%Y%m%d%H%M}-{name}", "endpoint": name}
        _append(calls, {"requested_at": iso(moment), **call, **_CALL})
        for event in ("reserve", "settle"):
            _append(credits, {"event": event, "at": iso(moment), **call, "credits": 1})
    run = {"run_id": "past", "command": "run", "frequency": frequency, "window_start": iso(moment)}
    _append(runs, {**run, "is_complete": True, "warehouse": "embedded", "exit_code": 0, "started_at": iso(moment)})


def _append(path: Path, line: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, separators=(",", ":")) + "\n")
