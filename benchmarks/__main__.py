"""Run every benchmark, one after the other, each in a process of its own: `python -m benchmarks`."""

from __future__ import annotations

import subprocess
import sys

_ALL = ("run_10x", "idle", "bulk_load")


def main() -> int:
    """Run them and return the number of those that failed."""
    failed = 0
    for name in _ALL:
        print(f"\n=== benchmarks.{name} ===\n", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
