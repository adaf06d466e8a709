"""When two addresses are one, and which texts an index of the warehouse can hold."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Text

from cryptoelt.extract import extractors
from cryptoelt.identity import MOST_BYTES, folded, is_too_long
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.models import Base
from cryptoelt.warehouse.schema import indexed_texts

#: What PostgreSQL takes of an index row, and what a value of any other type and the row itself take at most.
INDEX_ROW, FIXED = 2704, 16


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("0xF977814e90dA44bFA03b6295A0616a897441aceC", "0xf977814e90da44bfa03b6295a0616a897441acec"),
        ("0XF977814E90DA44BFA03B6295A0616A897441ACEC", "0xf977814e90da44bfa03b6295a0616a897441acec"),
        ("0xF977814e90dA44bFA03b6295A0616a897441ace", "0xF977814e90dA44bFA03b6295A0616a897441ace"),
        ("0xF977814e90dA44bFA03b6295A0616a897441aceC0", "0xF977814e90dA44bFA03b6295A0616a897441aceC0"),
        ("0xG977814e90dA44bFA03b6295A0616a897441aceC", "0xG977814e90dA44bFA03b6295A0616a897441aceC"),
        ("F977814e90dA44bFA03b6295A0616a897441aceC", "F977814e90dA44bFA03b6295A0616a897441aceC"),
        ("TMuA6YqfCeX8EhbfYEg5y7S4DqzSJireY9", "TMuA6YqfCeX8EhbfYEg5y7S4DqzSJireY9"),
        ("binanceCold3.near", "binanceCold3.near"),
        ("", ""),
    ],
)
def test_only_the_letters_of_a_hexadecimal_address_are_folded(address: str, stored: str) -> None:
    assert folded(address) == stored


def test_what_counts_of_a_text_are_its_bytes() -> None:
    for character in "a", "ä", "€", "😀":
        fits = MOST_BYTES // len(character.encode())
        assert not is_too_long(character * fits)
        assert is_too_long(character * (fits + 1))


def test_the_longest_texts_fit_into_every_index() -> None:
    for table in Base.metadata.sorted_tables:
        if table.schema != "dwh":
            continue
        for columns in (table.primary_key.columns, *(index.columns for index in table.indexes)):
            texts = [column.name for column in columns if isinstance(column.type, Text)]
            assert set(texts) <= indexed_texts(table.name)
            assert len(texts) * MOST_BYTES + len(columns) * FIXED < INDEX_ROW, (table.name, texts)


def test_every_text_that_may_stand_in_an_index_is_measured_when_it_is_extracted() -> None:
    for table in TABLES.values():
        columns = {column.name: column for column in extractors()[table.endpoint].columns}
        named_alike = indexed_texts(table.name) & columns.keys()
        assert not [name for name in named_alike if columns[name].is_prose], table.name


def test_a_note_of_fewer_rules_is_not_known_to_be_clean() -> None:
    metadata = {key.encode(): value.encode() for key, value in BronzeNote(clean=True).as_metadata().items()}
    assert BronzeNote.of(metadata).clean

    note = json.loads(metadata[b"cryptoelt"])
    del note["rules"]
    assert not BronzeNote.of({b"cryptoelt": json.dumps(note).encode()}).clean
