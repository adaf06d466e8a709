"""What a failure inside Spark means: a damaged Bronze file, a JVM that is gone, or Spark itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from cryptoelt.clock import span
from cryptoelt.errors import CryptoEltError, TransformError
from cryptoelt.lake.bronze import damaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptoelt.lake.bronze import Bronze, BronzeSnapshot

#: What Java threw: pyspark has a class of its own for some of it.
_THROWN = (PySparkException, Py4JJavaError)
#: All that comes out of pyspark. What Java did not throw is how a JVM that has ended shows itself, depending on what
#: was being waited for.
SPARK_FAILURES = (*_THROWN, Py4JError, ConnectionError, EOFError, pa.ArrowInvalid)


def spark_failure(table: str, sources: Sequence[BronzeSnapshot], bronze: Bronze, exc: Exception) -> CryptoEltError:
    """Tell a Bronze file that Spark cannot read from a failure of Spark itself."""
    words = _words(exc)
    for file in (file for source in sources for file in source.files):
        if file.path.rsplit("/", 1)[-1] in words:
            return damaged(bronze.location(file), _innermost(words))
    return TransformError(
        f"{table} at {span([source.snapshot for source in sources])} could not be built: {_innermost(words)}",
        hint="see logs/spark.log; the next run tries again",
    )


def _words(exc: Exception) -> str:
    """Return the text of a failure; that of a Java exception is asked from the JVM, which may be gone too."""
    if isinstance(exc, _THROWN):
        try:
            return str(exc)
        except (Py4JError, OSError):
            pass
    return "Spark's JVM has ended, perhaps killed for want of memory"


def _innermost(words: str) -> str:
    """Return what Java gave as the first cause; the first line where it gave none."""
    causes = [line.partition(": ")[2] for line in words.splitlines() if line.startswith(("Caused by: ", ": "))]
    return causes[-1] if causes else words.partition("\n")[0]
