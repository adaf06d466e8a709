"""Run every benchmark, one after the other, each in a process of its own: `python -m benchmarks [--quick]`."""

from __future__ import annotations

import argparse
import subprocess
import sys

_QUICK = (("run_10x",), ("idle",), ("bulk_load",), ("frequencies",))
#: Those that write a year of history first.
_LONG = (("year",), ("year", "--freq", "5x"), ("quality",), ("market_table",))


def main() -> int:
    """Run them and return the number of those that failed."""
    parser = argparse.ArgumentParser(description="Run every benchmark.")
    parser.add_argument("--quick", action="store_true", help="leave out those with a year of history")
    failed = 0
    for name, *options in (*_QUICK, *(() if parser.parse_args().quick else _LONG)):
        print(f"\n=== benchmarks.{' '.join([name, *options])} ===\n", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *options]
        failed += subprocess.run(command, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
