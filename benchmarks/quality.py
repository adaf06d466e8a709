"""Quality checks after a load, and plan and trace, with a year of listings in Bronze, Silver and the warehouse.

    python -m benchmarks.quality [--snapshots 1320] [--runs 5]

A home gets a history in bulk (`benchmarks/history.py`). Then `cryptoelt run --freq 5x` loads one more snapshot and
checks it, and `cryptoelt quality run` looks at it once more as a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.history import write_history
from benchmarks.history_lake import Past
from benchmarks.process import measure
from benchmarks.scene import Scene, machine, scene
from benchmarks.table import mebibytes, show, spread
from cryptoelt.clock import iso

if TYPE_CHECKING:
    from benchmarks.process import Measured

_FREQUENCY = "5x"
_A_YEAR = 1_320
_TARGET_SECONDS = 3.0
#: Commands that look into history without a JVM, and how long they may take.
_LOOKING = ("plan --freq 5x", "plan --freq daily", "plan", "trace fact_crypto_market crypto_id=1")
_LOOKING_SECONDS = 2.0
_LOOKS = 3
_SHOWN = 12


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Quality checks after a load, with a history in the warehouse.")
    parser.add_argument("--snapshots", type=int, default=_A_YEAR, help="length of the history; default: a year")
    parser.add_argument("--runs", type=int, default=5, help="loads, each checked twice; default 5")
    given = parser.parse_args()
    print(machine())
    with scene() as made:
        made.prepare(_FREQUENCY)
        began = time.monotonic()
        past = Past.before(datetime.now(UTC), _FREQUENCY, given.snapshots)
        write_history(made, past, tended=True)
        print(f"{len(past.moments)} snapshots of history written in {time.monotonic() - began:.0f} s", file=sys.stderr)
        made.run("10x")  # so that checks of other tables have something to look at
        after_load, by_hand = [], []
        for _ in range(given.runs):
            after_load.append(_seconds_of_units(made.run(_FREQUENCY)))
            by_hand.append(_checked(made))
        moment = iso(past.moments[0])
        looking = {words: _looked(made, words) for words in (*_LOOKING, f"{_LOOKING[-1]} snapshot_timestamp={moment}")}
        _show(len(past.moments), after_load, by_hand)
        _show_looking(looking)


def _seconds_of_units(run: Measured) -> float:
    """Return what the checks of a run took together."""
    return sum(float(unit["seconds"]) for unit in json.loads(run.output)["units"] if unit["phase"] == "quality")


def _checked(made: Scene) -> Measured:
    return measure(made.command("quality", "run", "--json"), made.environment, apart=made.postmaster)


def _show(snapshots: int, after_load: list[float], by_hand: list[Measured]) -> None:
    whole = [run.seconds for run in by_hand]
    memory = mebibytes(max(run.peaks.together for run in by_hand))
    rows = [
        ["checks of the loaded tables, within a run", *spread(after_load), "-"],
        ["quality run, all tables, whole process", *spread(whole), memory],
    ]
    show(f"after a load, {snapshots:,} snapshots of history", ["", "min", "median", "max", "memory"], rows)
    _show_checks(f"the slowest {_SHOWN} checks of `quality run`", by_hand)
    verdict = "met" if median(whole) < _TARGET_SECONDS else "MISSED"
    print(f"\ntarget: under {_TARGET_SECONDS:.0f} s: {verdict}")


def _looked(made: Scene, words: str) -> list[float]:
    command = made.command(*words.split(), "--json")
    return [measure(command, made.environment, apart=made.postmaster).seconds for _ in range(_LOOKS)]


def _show_looking(looking: dict[str, list[float]]) -> None:
    rows = [[words, *spread(seconds)] for words, seconds in looking.items()]
    show("whole processes", ["", "min", "median", "max"], rows)
    verdict = "met" if all(median(seconds) < _LOOKING_SECONDS for seconds in looking.values()) else "MISSED"
    print(f"\ntarget: under {_LOOKING_SECONDS:.0f} s: {verdict}")


def _show_checks(title: str, runs: list[Measured]) -> None:
    taken: dict[str, list[float]] = defaultdict(list)
    found: dict[str, Any] = {}
    for check in (check for run in runs for check in json.loads(run.output)["checks"]):
        taken[check["name"]].append(check["seconds"])
        found[check["name"]] = check["rows_found"]
    slowest = sorted(taken, key=lambda name: -median(taken[name]))[:_SHOWN]
    rows = [[name, *(f"{value * 1000:.0f} ms" for value in _ends(taken[name])), str(found[name])] for name in slowest]
    show(title, ["check", "min", "median", "max", "rows found"], rows)


def _ends(values: list[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)


if __name__ == "__main__":
    main()
