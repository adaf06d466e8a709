"""What extractors say of their columns is what the tables are built from."""

from __future__ import annotations

import pytest

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.extract import extractors
from cryptoelt.tables import TABLES
from cryptoelt.transform import transformers


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_columns_that_no_table_is_built_from_are_named(endpoint: str) -> None:
    builds = {table: build for one in transformers().values() for table, build in one.builds.items()}
    read = {name for table, build in builds.items() if TABLES[table].endpoint == endpoint for name in build.reads}
    extractor = extractors()[endpoint]

    assert {column.name for column in extractor.columns} - read == extractor.unbuilt
    assert set(extractor.measures) <= read
