"""The end of an invocation: what cannot be closed is logged, and takes nothing from what was done."""

from __future__ import annotations

import logging
import subprocess
from typing import TYPE_CHECKING

from cryptoelt.jvm import Jvm
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.settings import Settings
from cryptoelt.spark import SparkHost

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class UnendingSpark(SparkHost):
    """Stands for a JVM that the kernel does not let go of, which no test can have."""

    def __init__(self) -> None:
        pass

    def stop(self) -> None:
        raise subprocess.TimeoutExpired("java", 20)


def test_spark_that_cannot_be_closed_is_logged_and_the_rest_is_closed(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = Runtime(Settings(home=home), "run")
    runtime.spark = UnendingSpark()
    with caplog.at_level(logging.ERROR, "cryptoelt.pipeline"):
        runtime.close()
    (record,) = caplog.records
    assert record.message == "spark.close_failed"
    assert record.exc_info is not None
    assert record.exc_info[0] is subprocess.TimeoutExpired


def test_a_jvm_that_has_ended_by_itself_is_ended_without_an_error(tmp_path: Path) -> None:
    process = subprocess.Popen(["/bin/true"], stdin=subprocess.PIPE)
    process.wait()
    assert process.stdin is not None
    process.stdin.write(b"left in the buffer of a pipe that nobody reads")
    Jvm(process, tmp_path).end(0)
    assert process.returncode == 0
