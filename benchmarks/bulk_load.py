r"""Loads 250,000 rows into a table with primary and foreign key: psql's `\copy binary` against our whole load.

    python -m benchmarks.bulk_load [--rows 250000] [--runs 3]

psql copies a ready file straight into the table: the physical limit. Ours reads Parquet, stages the rows, inserts them
on conflict do nothing and writes the row of ops.load_batch, all in one transaction. The runs alternate in one session.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import SecretStr

from benchmarks.table import mebibytes, show, spread
from cryptoelt.clock import Clock
from cryptoelt.load.batches import Batch, Counts, next_batch_id
from cryptoelt.load.copy import CopyStream
from cryptoelt.load.facts import insert_new
from cryptoelt.load.stage import stage_rows
from cryptoelt.settings import Settings
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from cryptoelt.warehouse.engine import Warehouse, transaction
from cryptoelt.warehouse.schema import Target

COINS = 5_000
NUMBERS = tuple(f"number_{i:02d}" for i in range(20))
TEXTS = tuple(f"text_{i}" for i in range(5))
COLUMNS: dict[str, pa.DataType] = {
    "crypto_id": pa.int64(),
    "snapshot_timestamp": pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(NUMBERS, pa.float64()),
    **dict.fromkeys(TEXTS, pa.string()),
}
SCHEMA = pa.schema(COLUMNS)
SQL_TYPES = ("bigint", "timestamptz", *("double precision" for _ in NUMBERS), *("text" for _ in TEXTS))
TARGET = Target("dwh", "bench_fact", ("crypto_id", "snapshot_timestamp"), SCHEMA, SCHEMA, SQL_TYPES)


def main() -> None:
    """Run the benchmark, or one load in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        load_once(given.load)
        return
    with tempfile.TemporaryDirectory(prefix="cryptoelt-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "home", Settings().cache_dir)
        server.home.mkdir()
        try:
            compare(Path(folder), server, given.rows, given.runs)
        finally:
            server.remove()


def compare(folder: Path, server: EmbeddedPostgres, rows: int, runs: int) -> None:
    """Make the data, alternate the runs and print the table."""
    url = server.ensure_running()
    warehouse = Warehouse(url, Clock())
    migrations.upgrade(warehouse)
    make_tables(warehouse)
    parquet, binary = make_files(folder, rows)
    limit, ours, peaks = [], [], []
    for _ in range(runs):
        empty(warehouse)
        limit.append(psql_copy(server.programs / "psql", warehouse, binary))
        empty(warehouse)
        seconds, peak = our_load(url, parquet)
        ours.append(seconds)
        peaks.append(peak)
    ways = {"psql \\copy binary of a ready file": limit, "cryptoelt: Parquet, stage, insert, load batch": ours}
    show(
        f"{rows:,} rows x {len(SCHEMA)} columns, primary and foreign key, {runs} alternating runs",
        ["way", "min", "median", "max", "k rows/s", "of the limit"],
        (
            [name, *spread(times), f"{rows / median(times) / 1000:.1f}", f"{median(limit) / median(times):.2f}"]
            for name, times in ways.items()
        ),
    )
    print(f"\ntarget: at least 0.6 of the limit; peak memory of the loading process {mebibytes(max(peaks) * 1024)}")


def make_tables(warehouse: Warehouse) -> None:
    """Make the fact and the dimension it refers to."""
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(SCHEMA.names, SQL_TYPES, strict=True))
    with warehouse.session() as connection, transaction(connection) as cursor:
        cursor.execute("CREATE TABLE dwh.bench_dim (crypto_id bigint PRIMARY KEY)")
        cursor.execute("INSERT INTO dwh.bench_dim SELECT generate_series(1, 10000)")
        cursor.execute(
            f"CREATE TABLE dwh.bench_fact ({columns}, load_batch_id bigint,"
            " PRIMARY KEY (crypto_id, snapshot_timestamp), FOREIGN KEY (crypto_id) REFERENCES dwh.bench_dim)"
        )


def make_files(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write the same rows as Parquet and as a file of PostgreSQL's binary format."""
    parquet, binary = folder / "rows.parquet", folder / "rows.bin"
    with pq.ParquetWriter(parquet, SCHEMA) as writer:
        for number in range(-(-rows // COINS)):
            writer.write_table(snapshot(number, min(COINS, rows - number * COINS)))
    stream = CopyStream(SCHEMA, pq.ParquetFile(parquet).iter_batches(20_000))
    with binary.open("wb") as file:
        while piece := stream.read(1 << 20):
            file.write(piece)
    return parquet, binary


def snapshot(number: int, rows: int) -> pa.Table:
    """Make one snapshot of random figures, a fifth of them absent."""
    random = np.random.default_rng(number)
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    figures = [pa.array(random.lognormal(10, 5, rows), mask=random.random(rows) < 0.2) for _ in NUMBERS]
    words = [pa.array([f"value {i} of {name}" for i in range(rows)]) for name in TEXTS]
    return pa.table([pa.array(range(1, rows + 1)), pa.array([moment] * rows), *figures, *words], schema=SCHEMA)


def empty(warehouse: Warehouse) -> None:
    """Empty the fact and let the server finish what it owes the disk."""
    with warehouse.session() as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE dwh.bench_fact")
            cursor.execute("CHECKPOINT")


def psql_copy(psql: Path, warehouse: Warehouse, binary: Path) -> float:
    """Copy the ready file with psql; return the seconds of the whole process."""
    given = warehouse.parameters
    command = f"\\copy dwh.bench_fact ({', '.join(SCHEMA.names)}) from '{binary}' with (format binary)"
    began = time.perf_counter()
    subprocess.run(
        [
            psql,
            "-X",
            "-q",
            "-h",
            given["host"],
            "-p",
            given["port"],
            "-U",
            given["user"],
            "-c",
            command,
            given["dbname"],
        ],
        env={**os.environ, "PGPASSWORD": warehouse.password.get_secret_value()},
        check=True,
    )
    return time.perf_counter() - began


def our_load(url: SecretStr, parquet: Path) -> tuple[float, int]:
    """Load the Parquet file in a process of its own; return the seconds of the load and the peak memory in KiB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bulk_load", "--load", str(parquet)],
        env={**os.environ, "BENCH_URL": url.get_secret_value()},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, peak = done.stdout.split()
    return float(seconds), int(peak)


def load_once(parquet: Path) -> None:
    """Load the file as a loader loads a batch; print the seconds, connection included, and the peak memory."""
    clock = Clock()
    warehouse = Warehouse(SecretStr(os.environ["BENCH_URL"]), clock)
    began = time.perf_counter()
    with warehouse.session() as connection, transaction(connection) as cursor:
        started, batch_id = clock.now(), next_batch_id(cursor)
        with pq.ParquetFile(parquet, pre_buffer=False, buffer_size=1 << 20) as file:  # as lake.silver reads
            staged = stage_rows(cursor, TARGET, file.iter_batches(20_000))
        new = insert_new(cursor, TARGET, batch_id)
        counts = Counts(new, staged - new, 0)
        Batch(batch_id, "bench", TARGET.name, None, None, (started,), counts, started, clock.now()).insert(cursor)
    print(time.perf_counter() - began, peak_kib())


def peak_kib() -> int:
    """Return this process' peak memory; getrusage would give the parent's, which the kernel carries over an exec."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
