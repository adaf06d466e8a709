"""`cryptoelt run --freq 10x` against a plain Spark script, as whole processes, alternating in one session.

Run it with `python -m benchmarks.run_10x [--pairs N]`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import plain_spark
from benchmarks.process import Measured, measure
from benchmarks.scene import Scene, clean_environment, machine, scene
from benchmarks.table import mebibytes, show, spread
from benchmarks.timeline import phases, timeline
from cryptoelt.machine.jars import jar_paths

_RATIO_TARGET = 0.22
_MEMORY_TARGET = 1.5 * 2**30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A 10x run against a plain Spark script, as whole processes.")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of runs, alternating; default 3")
    pairs = parser.parse_args().pairs
    print(machine())
    with scene() as made, tempfile.TemporaryDirectory(prefix="cryptoelt-plain-") as tables:
        made.prepare()
        plain_script(made, tables)
        plain, ours = [], []
        for number in range(pairs):
            plain.append(plain_script(made, tables))
            ours.append(made.run("10x"))
            print(f"pair {number + 1}: plain {plain[-1].seconds:.1f} s, run {ours[-1].seconds:.1f} s", file=sys.stderr)
        middle = sorted(ours, key=lambda run: run.seconds)[pairs // 2]
        where = timeline(made.home, json.loads(middle.output)["run_id"], middle)
    _show_wall(plain, ours)
    _show_memory(plain, ours)
    show("where the time of the median run goes", ["seconds since its start", "what had happened"], where)
    show("its units", ["phase", "unit", "seconds"], phases(json.loads(middle.output)))


def plain_script(made: Scene, tables: str) -> Measured:
    """Measure the plain script, on the tables it left in a folder before."""
    jars = ",".join(str(path) for path in jar_paths(made.cache))
    # From a folder without the project's modules, as a script of one's own would be.
    command = [sys.executable, str(Path(plain_spark.__file__).resolve()), tables, "--jars", jars]
    return measure(command, clean_environment(), cwd=tables)


def _show_wall(plain: list[Measured], ours: list[Measured]) -> None:
    pairs = list(zip(ours, plain, strict=True))
    ratios = [our.seconds / other.seconds for our, other in pairs]
    rows = [
        ["plain Spark script, wall", *spread([run.seconds for run in plain])],
        ["run --freq 10x, wall", *spread([run.seconds for run in ours])],
        ["ratio of wall time, pair by pair", *spread(ratios, "")],
        ["plain Spark script, CPU", *spread([run.cpu_seconds for run in plain])],
        ["run --freq 10x, CPU", *spread([run.cpu_seconds for run in ours])],
        ["ratio of CPU, pair by pair", *spread([our.cpu_seconds / other.cpu_seconds for our, other in pairs], "")],
    ]
    show(f"whole process, on existing tables, alternating; pairs: {len(plain)}", ["", "min", "median", "max"], rows)
    verdict = "met" if median(ratios) <= _RATIO_TARGET else "MISSED"
    print(f"\ntarget: at most {_RATIO_TARGET:.2f} of the plain script: {verdict}")


def _show_memory(plain: list[Measured], ours: list[Measured]) -> None:
    def row(name: str, runs: list[Measured], apart: str) -> list[str]:
        peaks = [run.peaks for run in runs]
        tops = (max(getattr(peak, part) for peak in peaks) for part in ("java", "python", "together"))
        return [name, *(mebibytes(top) for top in tops), apart]

    server = mebibytes(max(run.peaks.apart for run in ours))
    rows = [row("plain Spark script", plain, "-"), row("run --freq 10x", ours, server)]
    columns = ["", "Java", "Python", "together", "PostgreSQL, apart"]
    show("peak resident memory, highest of all runs, sampled every 50 ms", columns, rows)
    together = max(run.peaks.together for run in ours)
    print(f"\ntarget: under 1.5 GiB together: {'met' if together < _MEMORY_TARGET else 'MISSED'}")


if __name__ == "__main__":
    main()
