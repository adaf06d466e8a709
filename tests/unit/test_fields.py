"""From JSON values to typed columns: what fits arrives exactly, what does not is named, nothing is guessed."""

from __future__ import annotations

import json
import math
import struct
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cryptoelt.extract.fields import (
    MISPLACED,
    NON_FINITE,
    NUL_IN_TEXT,
    WRONG_TYPE,
    day,
    fit,
    integer,
    moment,
    number,
    text,
    trimmed,
)
from cryptoelt.lake.bronze import UTC_MICROSECONDS

DOUBLE, INTEGER, TEXT, MOMENT, DAY = pa.float64(), pa.int64(), pa.string(), UTC_MICROSECONDS, pa.date32()
ALL_TYPES = [DOUBLE, INTEGER, TEXT, MOMENT, DAY]

#: Whatever `json.loads` may return.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def stored(value: Any, type_: pa.DataType) -> Any:
    """Return what a typed column gives back for a value that fits."""
    fitted, rule = fit(value, type_)
    assert rule is None
    return pa.array([fitted], type_)[0].as_py()


# --- numbers ----------------------------------------------------------------------------------------------------------


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(6.8e26)
@example(-0.0)
@example(5e-324)
@example(1.7976931348623157e308)
@example(0.1 + 0.2)
def test_every_finite_double_arrives_bit_by_bit(sent: float) -> None:
    arrived = stored(json.loads(json.dumps(sent)), DOUBLE)

    assert struct.pack("<d", arrived) == struct.pack("<d", sent)


@given(st.integers(min_value=-(2**1000), max_value=2**1000))
@example(2**63)
@example(2**53 + 1)
@example(680_000_000_000_000_000_000_000_000)
def test_a_whole_number_in_a_double_column_is_the_double_that_json_means(sent: int) -> None:
    assert stored(json.loads(json.dumps(sent)), DOUBLE) == float(str(sent))


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
@example(0)
@example(2**53 + 1)
@example(-(2**63))
def test_a_64_bit_integer_arrives_as_sent(sent: int) -> None:
    assert stored(json.loads(str(sent)), INTEGER) == sent


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_a_whole_double_is_an_integer(sent: int) -> None:
    assert stored(float(sent), INTEGER) == sent


@given(st.integers(min_value=2**63) | st.integers(max_value=-(2**63) - 1))
@example(2**63)
def test_an_integer_beyond_64_bits_does_not_fit(sent: int) -> None:
    assert fit(sent, INTEGER) == (None, WRONG_TYPE)


@pytest.mark.parametrize("sent", [1.5, -0.1, 1e300, float(2**63), 5e-324])
def test_a_double_that_is_no_64_bit_integer_does_not_fit(sent: float) -> None:
    assert fit(sent, INTEGER) == (None, WRONG_TYPE)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("type_", [DOUBLE, INTEGER])
def test_what_is_not_finite_is_named(token: str, type_: pa.DataType) -> None:
    assert fit(json.loads(token), type_) == (None, NON_FINITE)


def test_an_integer_that_no_double_reaches_is_not_finite() -> None:
    assert fit(10**309, DOUBLE) == (None, NON_FINITE)


@pytest.mark.parametrize("type_", [DOUBLE, INTEGER])
@pytest.mark.parametrize("value", [True, False, "1", "1.5", "", "NaN", [], {}, [1], MISPLACED])
def test_neither_a_truth_value_nor_a_numeric_text_is_a_number(value: Any, type_: pa.DataType) -> None:
    assert fit(value, type_) == (None, WRONG_TYPE)


@pytest.mark.parametrize("type_", [DOUBLE, INTEGER])
def test_zero_stays_zero(type_: pa.DataType) -> None:
    assert stored(json.loads("0"), type_) == 0
    assert stored(json.loads("0.0"), type_) == 0


# --- text -------------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@example("a; 'quoted' \"name\" of 23+ letters, \u4e2d\u6587 \U0001f680")
@example("  blanks stay here, they are trimmed in Silver \n")
@example("")
def test_text_arrives_as_sent(sent: str) -> None:
    assert stored(json.loads(json.dumps(sent)), TEXT) == sent


@pytest.mark.parametrize("sent", [r'"\ud83d"', r'"a\udc80b"', r'"\ude80\ud83d"'])
def test_half_of_a_surrogate_pair_does_not_fit(sent: str) -> None:
    assert fit(json.loads(sent), TEXT) == (None, WRONG_TYPE)


def test_a_whole_surrogate_pair_is_a_letter() -> None:
    assert stored(json.loads(r'"\ud83d\ude80"'), TEXT) == "\U0001f680"


@pytest.mark.parametrize("sent", ["\0", "a\0b", "end\0"])
def test_a_nul_is_named_and_the_text_kept(sent: str) -> None:
    assert fit(sent, TEXT) == (sent, NUL_IN_TEXT)


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}, ["a"], MISPLACED])
def test_what_is_no_text_is_not_made_one(value: Any) -> None:
    assert fit(value, TEXT) == (None, WRONG_TYPE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("  a b\t", "a b"), ("\r\n", None), ("", None), ("\u00a0a", "\u00a0a"), (None, None), (0, 0), (" ", None)],
)
def test_trimming_takes_blanks_away_and_the_empty_text_is_none(value: Any, expected: Any) -> None:
    assert trimmed(value) == expected


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-11-23T10:30:00.123Z", datetime(2026, 11, 23, 10, 30, 0, 123_000, tzinfo=UTC)),
        ("2026-11-23T10:30:00.123456Z", datetime(2026, 11, 23, 10, 30, 0, 123_456, tzinfo=UTC)),
        ("2026-11-23T10:30:00", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("2026-11-23T01:30:00+02:00", datetime(2026, 11, 22, 23, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_a_moment_arrives_in_utc(sent: str, expected: datetime) -> None:
    assert stored(sent, MOMENT) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("2024-02-29", date(2024, 2, 29)), ("2021-11-10T00:00:00.000Z", date(2021, 11, 10))],
)
def test_a_day_may_come_with_or_without_a_time(sent: str, expected: date) -> None:
    assert stored(sent, DAY) == expected


@pytest.mark.parametrize(
    "sent",
    ["", "now", "2026-02-30", "23/11/2026", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1_700_000_000],
)
@pytest.mark.parametrize("type_", [MOMENT, DAY])
def test_what_is_no_moment_does_not_fit(sent: Any, type_: pa.DataType) -> None:
    assert fit(sent, type_) == (None, WRONG_TYPE)


# --- all types --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", ALL_TYPES, ids=str)
def test_nothing_is_null_and_no_rule_is_broken(type_: pa.DataType) -> None:
    assert fit(None, type_) == (None, None)


@given(json_values | st.just(MISPLACED), st.sampled_from(ALL_TYPES))
def test_whatever_is_sent_the_column_can_hold_what_comes_of_it(value: Any, type_: pa.DataType) -> None:
    fitted, rule = fit(value, type_)

    assert pa.array([fitted], type_)[0].as_py() == fitted
    assert rule in {None, WRONG_TYPE, NON_FINITE, NUL_IN_TEXT}
    assert fitted is not None or value is None or rule is not None
    if isinstance(fitted, float):
        assert math.isfinite(fitted)


# --- where a value stands ---------------------------------------------------------------------------------------------

DEEP = number("market_cap", "quote", "USD", "total_market_cap")


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"quote": {"USD": {"total_market_cap": 1.5}}}, 1.5),
        ({"quote": {"USD": {"total_market_cap": None}}}, None),
        ({"quote": {"USD": {}}}, None),
        ({"quote": {"USD": None}}, None),
        ({"quote": {}}, None),
        ({"quote": None}, None),
        ({}, None),
        (None, None),
        ({"quote": []}, MISPLACED),
        ({"quote": "none"}, MISPLACED),
        ({"quote": {"USD": 7}}, MISPLACED),
        ([], MISPLACED),
        (7, MISPLACED),
        ("record", MISPLACED),
    ],
)
def test_a_value_is_found_along_its_path_or_known_to_be_misplaced(record: Any, value: Any) -> None:
    assert DEEP.value_in(record) is value


@pytest.mark.parametrize("type_", ALL_TYPES, ids=str)
def test_what_is_misplaced_fits_no_column(type_: pa.DataType) -> None:
    assert fit(MISPLACED, type_) == (None, WRONG_TYPE)


@pytest.mark.parametrize(
    ("column", "type_"),
    [(text("a"), TEXT), (number("a"), DOUBLE), (integer("a"), INTEGER), (moment("a"), MOMENT), (day("a"), DAY)],
)
def test_a_column_is_read_from_the_key_of_its_name(column: Any, type_: pa.DataType) -> None:
    assert (column.type, column.value_in({"a": 7, "b": 8})) == (type_, 7)
