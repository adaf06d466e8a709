from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.envelope import Envelope, parse_envelope, whole_number
from tests.support.recordings import Recording, recordings

STATUS: dict[str, Any] = {
    "timestamp": "2026-11-23T10:30:01.123Z",
    "error_code": 0,
    "error_message": None,
    "elapsed": 7,
    "credit_count": 3,
    "notice": None,
}


def body(data: str = "[]", **changes: object) -> bytes:
    """An answer with this text as data, and a status with these changes; None drops a field."""
    status = {name: value for name, value in {**STATUS, **changes}.items() if value != "drop"}
    return f'{{"status": {json.dumps(status)}, "data": {data}}}'.encode()


def parsed(content: bytes) -> Envelope:
    envelope = parse_envelope(content)
    assert envelope is not None
    return envelope


def raws(envelope: Envelope) -> list[str]:
    assert envelope.records is not None
    return [record.raw for record in envelope.records]


def test_a_plain_answer_is_read_whole() -> None:
    envelope = parsed(body('[{"id": 1}]', total_count=9000))
    assert (envelope.has_status, envelope.error_code, envelope.error_message) == (True, 0, "")
    assert (envelope.credits, envelope.elapsed, envelope.total_count) == (3, 7, 9000)
    assert envelope.server_time == datetime(2026, 11, 23, 10, 30, 1, 123000, tzinfo=UTC)


@pytest.mark.parametrize("code", [1008, "1008", " 1008 ", 1008.0])
def test_an_error_code_is_a_number_however_it_was_sent(code: object) -> None:
    assert parsed(body(error_code=code)).error_code == 1008


@pytest.mark.parametrize("code", [None, "", "abc", True, [], 1.5, "-1", "9" * 5000])
def test_what_is_not_an_error_code_is_not_taken_for_success(code: object) -> None:
    assert parsed(body(error_code=code)).error_code is None


@pytest.mark.parametrize("message", [None, "", "drop", 5])
def test_a_missing_message_reads_as_none_at_all(message: object) -> None:
    assert parsed(body(error_message=message)).error_message == ""


def test_fields_that_are_missing_do_not_matter() -> None:
    envelope = parsed(b'{"data": {}, "status": {"error_code": "0"}}')
    assert (envelope.error_code, envelope.credits, envelope.total_count) == (0, None, None)
    assert envelope.server_time is None
    assert envelope.elapsed is None


@pytest.mark.parametrize("timestamp", ["yesterday", "", 5, None, "0001-01-01T00:00:00+14:00"])
def test_a_strange_timestamp_is_none(timestamp: object) -> None:
    assert parsed(body(timestamp=timestamp)).server_time is None


def test_the_order_of_keys_does_not_matter() -> None:
    envelope = parsed(
        b'\xef\xbb\xbf \n{"x": [1, {"data": [9]}], "data" : [ 1 ,2\t] , "status":{"error_code":"0"}} \r\n'
    )
    assert raws(envelope) == ["1", "2"]
    assert envelope.error_code == 0


def test_of_equal_keys_the_last_counts_and_records_keep_theirs() -> None:
    envelope = parsed(
        b'{"data": [1], "status": {"error_code": 5}, "data": [{"a": 1, "a": 2}], "status": {"error_code": 0}}'
    )
    assert envelope.error_code == 0
    assert raws(envelope) == ['{"a": 1, "a": 2}']
    assert envelope.records is not None
    assert envelope.records[0].value == {"a": 2}


def test_records_keep_the_exact_text_they_were_sent_as() -> None:
    sent = [
        '{"supply": 6.8e26, "price":1.400000000e-9,"n": 12345678901234567890123 }',
        '{"name": "\\u0041 \\"quoted\\"; DROP TABLE x;--", "blank":  "  two  "}',
        '{"odd": NaN, "big": Infinity, "deep": [[], {}, [1, [2]]]}',
        "null",
        '"text, with [brackets] and {braces}"',
    ]
    envelope = parsed(body("[" + " ,\n ".join(sent) + " ]"))
    assert raws(envelope) == sent


def test_a_text_of_23_non_latin_bytes_is_unchanged() -> None:
    name = "市场'狗狗币安;\"\\x"
    record = json.dumps({"symbol": name}, ensure_ascii=False)
    assert len(name.encode()) == 23
    envelope = parsed(body(f"[{record}]"))
    assert raws(envelope) == [record]
    assert envelope.records is not None
    assert envelope.records[0].value["symbol"] == name


def test_an_object_is_the_only_record() -> None:
    envelope = parsed(body('{ "value": 40,"update_time":"x" }'))
    assert raws(envelope) == ['{ "value": 40,"update_time":"x" }']


def test_an_empty_list_has_no_records() -> None:
    assert parsed(body("[ ]")).records == []


@pytest.mark.parametrize("data", ["null", "5", '"text"', "true"])
def test_data_that_is_neither_list_nor_object_is_no_data(data: str) -> None:
    assert parsed(body(data)).records is None


def test_an_error_answer_has_no_data() -> None:
    assert parsed(b'{"status": {"error_code": 1002, "error_message": "API key missing."}}').records is None


@pytest.mark.parametrize("status", [b"", b'"status": null,', b'"status": [1],', b'"status": "fine",'])
def test_without_a_status_nothing_is_known(status: bytes) -> None:
    envelope = parsed(b"{" + status + b'"data": [1]}')
    assert not envelope.has_status
    assert envelope.error_code is None
    assert envelope.credits is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"<html><body>502 Bad Gateway</body></html>",
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"status": {"error_code": 0}, "data": [1, 2',
        b'{"status": {"error_code": 0}, "data": [1, 2]',
        b'{"status": {"error_code": 0}, "data": [1,]}',
        b'{"data": [1]} trailing',
        b"{1: 2}",
        b'{"data" [1]}',
        b'{"data": "\xff\xfe"}',
        b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"data": [' + b"9" * 5000 + b"]}",
    ],
    ids=lambda content: content[:20].decode(errors="replace"),
)
def test_what_is_no_json_object_is_no_envelope(content: bytes) -> None:
    assert parse_envelope(content) is None


def test_an_empty_object_is_an_envelope_without_anything() -> None:
    envelope = parsed(b"{}")
    assert not envelope.has_status
    assert envelope.records is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(JSON_VALUES, max_size=6), st.booleans(), st.sampled_from([None, 2]))
def test_every_record_is_found_where_it_stands(values: list[Any], ascii_only: bool, indent: int | None) -> None:
    text = json.dumps({"data": values, "status": STATUS}, ensure_ascii=ascii_only, indent=indent)
    try:
        content = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair cannot be sent unescaped
        return
    envelope = parsed(content)
    assert envelope.records is not None
    assert [record.value for record in envelope.records] == values
    position = 0
    for record in envelope.records:
        position = text.index(record.raw, position) + len(record.raw)
        assert json.loads(record.raw) == record.value


@pytest.mark.parametrize(("value", "number"), [(0, 0), ("7", 7), (3.0, 3), (-1, None), (False, None), ("٣", None)])
def test_credits_are_whole_numbers_not_below_zero(value: object, number: int | None) -> None:
    assert whole_number(value) == number


@pytest.mark.parametrize("recording", recordings(*ENDPOINTS), ids=lambda recording: recording.name)
def test_recorded_answers_are_read_as_json_reads_them(recording: Recording) -> None:
    envelope, text = parsed(recording.body), recording.body.decode("utf-8-sig")
    sent = recording.data if isinstance(recording.data, list) else [recording.data]
    assert envelope.records is not None
    assert [record.value for record in envelope.records] == sent
    position = 0
    for record in envelope.records:
        position = text.index(record.raw, position) + len(record.raw)
