"""A loader is found by being in the package; nothing heavy is imported to find it."""

from __future__ import annotations

import subprocess
import sys

from cryptoelt.load import loaders
from cryptoelt.tables import TABLES


def test_every_domain_of_the_catalogue_has_a_loader() -> None:
    assert set(loaders()) == {table.domain for table in TABLES.values()}


def test_finding_loaders_imports_neither_sqlalchemy_nor_spark_nor_pandas() -> None:
    program = (
        "import sys; from cryptoelt.load import loaders; loaders();"
        "print([name for name in ('sqlalchemy', 'alembic', 'pyspark', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
