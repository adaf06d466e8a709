"""The yardstick: a plain Spark script that does the four Delta writes and four reads of a 10x run, and nothing else.

It is what one writes without thinking about start-up: the default session, the jars by `spark.jars`, and the two
settings that Delta's documentation asks for. `python -m benchmarks.plain_spark FOLDER`, run twice, appends to existing
tables the second time.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Table -> rows of one append: as many as a 10x run brings into its four tables.
TABLES = {"dimension": 300, "categories": 300, "market": 1, "sentiment": 1}
_FIGURES = 10


def main() -> None:
    """Run the script once and print how long each step took."""
    arguments = _arguments()
    jars = arguments.jars or _pinned_jars()
    with tempfile.TemporaryDirectory(prefix="cryptoelt-plain-") as scratch:
        for step, seconds in _steps(arguments.folder or scratch, jars).items():
            print(f"{step}\t{seconds:.1f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A plain Spark script: four Delta appends, four reads.")
    parser.add_argument("folder", nargs="?", help="where the tables are; default: a folder that is deleted afterwards")
    parser.add_argument("--jars", help="Delta's jars, separated by commas; default: those of `cryptoelt setup`")
    return parser.parse_args()


def _pinned_jars() -> str:
    from cryptoelt.machine.jars import jar_paths
    from cryptoelt.settings import Settings

    return ",".join(str(path) for path in jar_paths(Settings().cache_dir))


def _steps(folder: str, jars: str) -> dict[str, float]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    times = [time.monotonic()]
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.appName("plain")
        .config("spark.jars", jars)
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .getOrCreate()
    )
    times.append(time.monotonic())
    _write(spark, folder)
    times.append(time.monotonic())
    for name in TABLES:
        spark.read.format("delta").load(f"{folder}/{name}").toArrow()
    times.append(time.monotonic())
    spark.stop()
    times.append(time.monotonic())
    names = ("session", "four writes", "four reads", "stop")
    return dict(zip(names, (after - before for before, after in pairwise(times)), strict=True))


def _write(spark: SparkSession, folder: str) -> None:
    from pyspark.sql import functions as F

    version = int(time.time())
    for name, rows in TABLES.items():
        figures = [(F.rand() * number).alias(f"figure_{number}") for number in range(_FIGURES)]
        frame = spark.range(rows).select("id", *figures, F.current_timestamp().alias("snapshot_timestamp"))
        writer = frame.write.format("delta").mode("append")
        writer.option("txnAppId", name).option("txnVersion", version).save(f"{folder}/{name}")


if __name__ == "__main__":
    main()
