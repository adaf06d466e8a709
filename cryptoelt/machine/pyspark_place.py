"""Where pyspark's own jars are, found without importing pyspark."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from cryptoelt.errors import ConfigurationError


def pyspark_jars() -> Path:
    """Return the folder of the jars that come with pyspark.

    Raises:
        ConfigurationError: pyspark is not installed.
    """
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ConfigurationError("the Python package pyspark is missing", hint="run `make setup`")
    return Path(spec.origin).parent / "jars"
