"""The one SparkSession of an invocation: started in the background, stopped without leaving a java process."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import StopFlag
from cryptoelt.errors import TransformError
from cryptoelt.jvm import Jvm

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger("cryptoelt.spark")

_LOOK_AT_FLAG = 0.1
_DUMP_SECONDS = 300


class Workload(StrEnum):
    """How much a session will have to do; decides between a quick start and a fast engine."""

    SMALL = "small"
    LARGE = "large"


#: Snapshots up to which a quick start is worth more than a fast engine.
_SMALL_SNAPSHOTS = 50


def workload_of(snapshots: int) -> Workload:
    """Return how much it is to build so many snapshots."""
    return Workload.SMALL if snapshots <= _SMALL_SNAPSHOTS else Workload.LARGE


@dataclass(frozen=True)
class SparkSetup:
    """What a session is started with.

    Attributes:
        master: the Spark master.
        jars: Delta and JDBC jars; on the class path, because class-data sharing sees no other place.
        archive: the class-data archive, or None to start without.
        scratch: a folder for Spark's temporary files; emptied at every start, since a killed JVM leaves its own.
        log_file: where the JVM's output goes.
        conf: properties of `[spark.conf]`; they win.
        java_options: extra options of the JVM.
    """

    master: str
    jars: tuple[Path, ...]
    archive: Path | None
    scratch: Path
    log_file: Path
    conf: dict[str, str]
    java_options: tuple[str, ...] = ()


def jvm_properties(setup: SparkSetup, workload: Workload) -> dict[str, str]:
    """Return the properties that must be on the JVM's command line; none of them may hold a secret."""
    options = ["-XX:-UsePerfData", f"-Djava.io.tmpdir={setup.scratch}", *setup.java_options]
    if workload is Workload.SMALL:
        # A few hundred rows never run long enough for the optimising compiler to pay for itself.
        options += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    if setup.archive is not None and workload is Workload.SMALL:
        options += ["-Xshare:auto", f"-XX:SharedArchiveFile={setup.archive}"]
    properties = {
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in setup.jars),
        "spark.driver.extraJavaOptions": " ".join(map(_quoted, options)),
        "spark.driver.memory": "640m" if workload is Workload.SMALL else "1600m",
    }
    own = {name: value for name, value in setup.conf.items() if name in properties}
    return {**properties, **own}


def _quoted(option: str) -> str:
    """Write an option so that Spark's launcher takes it for one, whatever the folders of this machine are called."""
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'


def session_properties(setup: SparkSetup, workload: Workload) -> dict[str, str]:
    """Return the properties that the session is made with, `[spark.conf]` included."""
    properties = {
        "spark.app.name": "cryptoelt",
        "spark.master": setup.master,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # A transaction identifier is needed only until the commit is seen; without an end they would pile up.
        "spark.databricks.delta.properties.defaults.setTransactionRetentionDuration": "interval 7 days",
        # Readers choose files by snapshot; statistics of sixty other columns would only be work and log.
        "spark.databricks.delta.properties.defaults.dataSkippingStatsColumns": "snapshot_timestamp",
    }
    if setup.master.startswith("local"):
        properties |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(setup.scratch),
            # The many parts of a scan are listed by the driver: a task for each of them costs more than it saves.
            "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        }
    # A log of some hundred files is not worth fifty tasks, whatever is written to the table.
    properties["spark.databricks.delta.snapshotPartitions"] = "1"
    if workload is Workload.SMALL:
        properties |= {
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        }
    else:
        properties["spark.sql.shuffle.partitions"] = "8"
    return {**properties, **setup.conf}


class SparkHost:
    """Owns the JVM of an invocation."""

    def __init__(self, setup: SparkSetup, workload: Workload = Workload.SMALL, stop: StopFlag | None = None) -> None:
        """Keep what a session is started with; nothing is started.

        Args:
            setup: what it is started with.
            workload: how much it will have to do.
            stop: the flag of the run; who waits for the session waits no longer once it is set.
        """
        self._setup = setup
        self._workload = workload
        self._stop = stop or StopFlag()
        self._thread: threading.Thread | None = None
        self._jvm: Jvm | None = None
        self._gateway: Any = None
        self._session: SparkSession | None = None
        self._failure: Exception | None = None
        self._imported = threading.Event()
        self._unwanted = False

    def start(self) -> None:
        """Begin to start the JVM in the background; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._launch, name="spark-start", daemon=True)
            self._thread.start()

    def wait_for_imports(self) -> None:
        """Wait until pyspark is imported; two threads that import it at once meet half-made modules."""
        self._imported.wait()

    @property
    def session(self) -> SparkSession:
        """The session; waits until it is there.

        Raises:
            TransformError: the JVM or the session could not be started.
            StoppedError: the run is to end.
        """
        self.start()
        while self._thread is not None and self._thread.is_alive():
            self._stop.raise_if_set()
            self._thread.join(_LOOK_AT_FLAG)
        if self._session is None:
            raise TransformError(
                f"Spark did not start: {self._failure}",
                hint=f"see {self._setup.log_file}, and run `cryptoelt doctor`",
            ) from self._failure
        return self._session

    def _launch(self) -> None:
        try:
            self._session = self._start_session()
        except Exception as exc:  # noqa: BLE001 - handed to whoever asks for the session, who raises it
            self._failure = exc
        finally:
            self._imported.set()

    def _start_session(self) -> SparkSession:
        import pyspark
        import pyspark.sql.functions
        import pyspark.sql.pandas.types
        from pyspark.conf import SparkConf
        from pyspark.core.context import SparkContext
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession

        self._imported.set()
        setup = self._setup
        shutil.rmtree(setup.scratch, ignore_errors=True)
        setup.scratch.mkdir(parents=True)
        setup.log_file.parent.mkdir(parents=True, exist_ok=True)
        os.environ["PYSPARK_PYTHON"] = sys.executable
        # Java spells file names by the locale; in that of cron it could not open a home called `josé`.
        os.environ["LC_ALL"] = "C.UTF-8"
        # Another Spark on the machine must not be started by accident.
        os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
        os.environ["SPARK_LAUNCHER_OPTS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
        began = time.monotonic()
        options = jvm_properties(setup, self._workload)
        self._jvm = Jvm.start([f"{name}={value}" for name, value in options.items()], setup.log_file)
        port, secret = self._jvm.address(lambda: self._unwanted)
        launched = time.monotonic()
        # What pyspark calls a gateway that is there already; its own launch could be neither stopped nor given up.
        os.environ |= {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
        try:
            self._gateway = launch_gateway()  # type: ignore[no-untyped-call]
        finally:
            del os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"]
        conf = SparkConf(_jvm=self._gateway.jvm)
        conf.setAll(list(session_properties(setup, self._workload).items()))
        session = SparkSession(SparkContext(conf=conf, gateway=self._gateway))
        ready = time.monotonic()
        fields = {"jvm_seconds": round(launched - began, 3), "session_seconds": round(ready - launched, 3)}
        log.info("spark.started", extra={"fields": {**fields, "archive": setup.archive is not None}})
        return session

    def kill(self) -> None:
        """Kill the JVM: whoever waits for an answer of it fails; `stop` is still to be called."""
        if self._jvm is not None:
            self._jvm.kill()

    def stop(self) -> None:
        """End the JVM and wait until it is gone; safe to call at any time, also when it never started.

        A local JVM holds nothing that is not committed, so it is not asked to tidy up first (that takes a second).
        """
        if self._thread is None:
            return
        self._unwanted = True
        if self._is_killed_at_once:
            self.kill()  # before the wait: whoever waits for an answer of it gets none
        self._thread.join()
        with ExitStack() as ending:  # each step is taken, also where the one before it fails
            ending.callback(self._forget)
            ending.callback(shutil.rmtree, self._setup.scratch, ignore_errors=True)
            if self._jvm is not None:
                ending.callback(self._jvm.end, _DUMP_SECONDS if self._dumps_archive else 0)
            if self._session is not None and not self._is_killed_at_once:
                self._session.stop()

    @property
    def _is_killed_at_once(self) -> bool:
        """A local JVM has nothing to tidy up; on a cluster that is worth a wait only for a session, and in peace."""
        is_in_peace = self._session is not None and not self._stop.is_set()
        return not self._dumps_archive and (self._setup.master.startswith("local") or not is_in_peace)

    @property
    def _dumps_archive(self) -> bool:
        return any("ArchiveClassesAtExit" in option for option in self._setup.java_options)

    def _forget(self) -> None:
        """Let a later invocation in this process start anew."""
        from pyspark.core.context import SparkContext

        with SparkContext._lock:  # noqa: SLF001 - there is no public way to say that the JVM is gone
            SparkContext._gateway = None  # noqa: SLF001
            SparkContext._jvm = None  # noqa: SLF001
            SparkContext._active_spark_context = None  # noqa: SLF001
        self._thread = self._jvm = self._gateway = self._session = None
        self._unwanted = False
