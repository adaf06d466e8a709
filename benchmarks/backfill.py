"""A year of listings from Bronze to the warehouse: rows a second and memory, as one whole process.

    python -m benchmarks.backfill [--days 264] [--rebuild]

Bronze gets five files of 5,000 coins a day, varied from one that was fetched; Silver and the warehouse hold nothing of
it. `--rebuild` then replaces all of it once more.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.history_lake import Past, newest_bronze, write_bronze
from benchmarks.process import measure
from benchmarks.scene import machine, scene
from benchmarks.table import mebibytes, show
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.store import LocalStore

if TYPE_CHECKING:
    from benchmarks.process import Measured
    from benchmarks.scene import Scene

_A_YEAR, _A_DAY = 264, 5
_ENDPOINT, _TABLE = "cryptocurrency/listings/latest", "fact_crypto_market"
_RATE_TARGET, _JAVA_TARGET, _PYTHON_TARGET = 20_000, 2 * 2**30, 400 * 10**6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A year of listings from Bronze to the warehouse.")
    parser.add_argument("--days", type=int, default=_A_YEAR, help="weekdays of history; default: a year")
    parser.add_argument("--rebuild", action="store_true", help="replace all of it once more")
    given = parser.parse_args()
    print(machine())
    with scene() as made:
        made.prepare("5x")
        past = Past.before(datetime.now(UTC), "5x", given.days * _A_DAY)
        _write(made, past)
        done = [("backfill, nothing there yet", _backfill(made))]
        if given.rebuild:
            done.append(("backfill --rebuild, all there", _backfill(made, "--rebuild")))
        for title, measured in done:
            _show(f"{title}: {len(past.moments):,} snapshots", measured)


def _write(made: Scene, past: Past) -> None:
    """Put a history in place of what was fetched, in Bronze alone; the warehouse is made anew, empty."""
    began, lake = time.monotonic(), made.home / "lake"
    rows = newest_bronze(Bronze(LocalStore(lake)), _ENDPOINT)
    made.server.remove()
    for folder in ("lake", "metadata/transform", "metadata/load"):
        shutil.rmtree(made.home / folder, ignore_errors=True)
    write_bronze(lake, _ENDPOINT, rows, past)
    print(f"{len(past.moments) * rows.num_rows:,} rows written in {time.monotonic() - began:.0f} s", file=sys.stderr)
    subprocess.run(made.command("db", "init"), env=made.environment, check=True, capture_output=True)


def _backfill(made: Scene, *options: str) -> Measured:
    return measure(
        made.command("backfill", "--table", _TABLE, *options, "--json"), made.environment, apart=made.postmaster
    )


def _show(title: str, measured: Measured) -> None:
    units: list[dict[str, Any]] = [unit for unit in json.loads(measured.output)["units"] if unit["rows_in"]]
    rows = [
        [f"{unit['phase']} {unit['name']}", unit["rows_in"], f"{unit['seconds']:.1f}", _rate(unit["rows_in"], unit)]
        for unit in units
    ]
    total = units[-1]["rows_in"]
    rate = total / measured.seconds
    rows.append(["the whole process", total, f"{measured.seconds:.1f}", f"{rate:,.0f}"])
    show(title, ["", "rows", "seconds", "rows a second"], rows)
    peaks = measured.peaks
    print(
        f"\nCPU {measured.cpu_seconds:.0f} s; peak memory: Java {mebibytes(peaks.java)}, Python"
        f" {mebibytes(peaks.python)}, PostgreSQL {mebibytes(peaks.apart)}"
    )
    verdicts = {
        f"at least {_RATE_TARGET:,} rows a second": rate >= _RATE_TARGET,
        "Java under 2 GiB": peaks.java < _JAVA_TARGET,
        "Python under 400 MB": peaks.python < _PYTHON_TARGET,
    }
    print("targets: " + ", ".join(f"{name}: {'met' if met else 'MISSED'}" for name, met in verdicts.items()))


def _rate(rows: int, unit: dict[str, Any]) -> str:
    return f"{rows / max(unit['seconds'], 0.001):,.0f}"


if __name__ == "__main__":
    main()
