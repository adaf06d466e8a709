"""Each kind of fault does over HTTP what it says, once, and is charged as it says."""

from __future__ import annotations

import json
import socket
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests

from cryptoelt.errors import UsageError
from cryptoelt.sandbox.faults import KINDS
from cryptoelt.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATHS = {
    "cryptocurrency/categories": "/v1/cryptocurrency/categories",
    "global-metrics/quotes/latest": "/v1/global-metrics/quotes/latest",
    "fear-and-greed/latest": "/v3/fear-and-greed/latest",
    "key/info": "/v1/key/info",
}
CATEGORIES = "cryptocurrency/categories"
METRICS = "global-metrics/quotes/latest"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(world="small", start_time="2026-11-23T10:31:05Z", speed=0, minute_limit=1000) as running:
        yield running


def get(server: SandboxServer, endpoint: str = CATEGORIES, timeout: float = 10) -> requests.Response:
    headers = {"X-CMC_PRO_API_KEY": "sandbox"}
    return requests.get(server.base_url + PATHS[endpoint], headers=headers, timeout=timeout)


def test_every_kind_has_a_test() -> None:
    assert {*REFUSALS, *GATEWAYS, *SENDING, *DAMAGES} == set(KINDS)


REFUSALS = [name for name, kind in KINDS.items() if kind.stage.name == "REFUSAL"]
GATEWAYS = ["http_403", "http_502", "http_503", "http_504"]
SENDING = ["slow", "reset", "reset_charged", "cut_off", "html", "empty_body"]


@pytest.mark.parametrize("endpoint", PATHS)
@pytest.mark.parametrize("kind", REFUSALS)
def test_an_api_error_has_its_status_its_code_and_no_data(server: SandboxServer, kind: str, endpoint: str) -> None:
    server.add_fault(kind, endpoint=endpoint, times=1)
    answer, after = get(server, endpoint), get(server, endpoint)
    status = answer.json()["status"]

    _, http_status, *code = kind.split("_")
    assert answer.status_code == int(http_status)
    assert int(status["error_code"]) == int(code[0] if code else http_status)
    assert isinstance(status["error_code"], str) == PATHS[endpoint].startswith("/v3")
    assert status["error_message"]
    assert list(answer.json()) == ["status"]
    assert after.status_code == 200


@pytest.mark.parametrize("endpoint", PATHS)
@pytest.mark.parametrize("kind", GATEWAYS)
def test_a_gateway_error_is_a_page_without_an_envelope(server: SandboxServer, kind: str, endpoint: str) -> None:
    server.add_fault(kind, times=1)
    answer = get(server, endpoint)

    assert answer.status_code == int(kind[-3:])
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert get(server, endpoint).status_code == 200


def test_slow_answers_after_the_read_timeout_and_is_charged(server: SandboxServer) -> None:
    server.add_fault("slow=30*1")
    with pytest.raises(requests.ReadTimeout):
        get(server, timeout=0.3)

    assert server.usage()["credits"] == 2
    assert server.served()[0]["fault"] == "slow=30"


def test_slow_is_a_good_answer_in_the_end(server: SandboxServer) -> None:
    server.add_fault("slow", value="0.4", times=1)
    answer = get(server)

    assert answer.elapsed.total_seconds() >= 0.4
    assert len(answer.json()["data"]) == 12


@pytest.mark.parametrize(("kind", "charged"), [("reset", 0), ("reset_charged", 2)])
def test_a_reset_sends_nothing_but_a_tcp_reset(server: SandboxServer, kind: str, charged: int) -> None:
    server.add_fault(kind, times=1)
    address = ("127.0.0.1", int(server.base_url.rpartition(":")[2]))
    request = f"GET {PATHS[CATEGORIES]} HTTP/1.1\r\nHost: x\r\nX-CMC_PRO_API_KEY: sandbox\r\n\r\n"
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(request.encode())
        with pytest.raises(ConnectionResetError):
            client.recv(1000)

    assert server.usage()["credits"] == charged
    assert server.usage()["by_status"] == {"reset": 1}
    assert get(server).status_code == 200


def test_cut_off_sends_half_of_what_it_promised(server: SandboxServer) -> None:
    server.add_fault("cut_off", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(server)

    assert server.usage()["credits"] == 2
    assert len(get(server).json()["data"]) == 12


def test_html_is_a_page_with_status_200(server: SandboxServer) -> None:
    server.add_fault("html", times=1)
    answer = get(server)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<html>" in answer.text


def test_empty_body_is_status_200_and_nothing(server: SandboxServer) -> None:
    server.add_fault("empty_body", times=1)
    answer = get(server)

    assert (answer.status_code, answer.content) == (200, b"")


def records(payload: dict[str, Any]) -> list[Any]:
    data = payload["data"]
    return data if isinstance(data, list) else [data]


def _has_unknown_fields(good: dict[str, Any], bad: dict[str, Any]) -> bool:
    return all(set(b) > set(g) for g, b in zip(records(good), records(bad), strict=True))


def _has_missing_fields(good: dict[str, Any], bad: dict[str, Any]) -> bool:
    pairs = list(zip(records(good), records(bad), strict=True))
    return any(set(b) < set(g) for g, b in pairs) and all(set(b) <= set(g) for g, b in pairs)


def _has_wrong_types(good: dict[str, Any], bad: dict[str, Any]) -> bool:
    return [_types(record) for record in records(good)] != [_types(record) for record in records(bad)]


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _types(inner) for name, inner in value.items()}
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _repeats(*, exact: bool) -> Callable[[dict[str, Any], dict[str, Any]], bool]:
    def check(good: dict[str, Any], bad: dict[str, Any]) -> bool:
        ids = Counter(record["id"] for record in records(bad))
        whole = Counter(json.dumps(record) for record in records(bad))
        return (
            max(ids.values()) == 2
            and (max(whole.values()) == 2) == exact
            and len(records(bad)) == 1 + len(records(good))
        )

    return check


DAMAGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    "empty_data": lambda good, bad: bad["data"] == type(good["data"])() and bad["status"] == good["status"],
    "error_in_200": lambda _, bad: int(bad["status"]["error_code"]) == 500 and list(bad) == ["status"],
    "no_data": lambda _, bad: list(bad) == ["status"] and int(bad["status"]["error_code"]) == 0,
    "no_status": lambda good, bad: bad == {"data": good["data"]},
    "bad_price": lambda good, bad: bad["status"]["credit_count"] == good["status"]["credit_count"] + 2,
    "wrong_type": _has_wrong_types,
    "missing_field": _has_missing_fields,
    "unknown_field": _has_unknown_fields,
    "nan_token": lambda _, bad: "NaN" in json.dumps(bad),
    "nul_in_text": lambda _, bad: "\\u0000" in json.dumps(bad),
    "lone_surrogate": lambda _, bad: "\\ud83d" in json.dumps(bad).replace("\\ud83d\\u", ""),
    "duplicate_record": _repeats(exact=True),
    "conflicting_duplicate": _repeats(exact=False),
    "null_record": lambda good, bad: len(bad["data"]) == 1 + len(good["data"]) and bad["data"].count(None) == 1,
}


@pytest.mark.parametrize("endpoint", [CATEGORIES, METRICS, "fear-and-greed/latest"])
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_spoilt_payload_is_status_200_and_spoilt_as_its_kind_says(
    server: SandboxServer, kind: str, endpoint: str
) -> None:
    good = get(server, endpoint).json()
    if KINDS[kind].needs_list and endpoint != CATEGORIES:
        with pytest.raises(UsageError):
            server.add_fault(kind, endpoint=endpoint)
        return
    server.add_fault(kind, endpoint=endpoint, times=1)
    answer, after = get(server, endpoint), get(server, endpoint).json()

    assert answer.status_code == 200
    answer.content.decode("utf-8")
    assert DAMAGES[kind](good, answer.json())
    assert after == good


def test_nan_is_a_bare_token_and_the_surrogate_an_escape(server: SandboxServer) -> None:
    server.add_fault("nan_token", times=1)
    server.add_fault("lone_surrogate", times=1)
    server.add_fault("nul_in_text", times=1)
    nan, surrogate, nul = (get(server).content for _ in range(3))

    assert b":NaN," in nan
    assert b"\\ud83d" in surrogate
    assert b"\\u0000" in nul


def test_wrong_type_leaves_most_records_as_they_were(server: SandboxServer) -> None:
    good = get(server).json()["data"]
    server.add_fault("wrong_type", times=1)
    bad = get(server).json()["data"]

    assert sum(b != g for b, g in zip(bad, good, strict=True)) == 4


@pytest.mark.parametrize("kind", ["wrong_type", "missing_field"])
def test_a_field_can_be_named(server: SandboxServer, kind: str) -> None:
    good = get(server).json()["data"]
    server.add_fault(f"{kind}=market_cap@{CATEGORIES}*1")
    bad = get(server).json()["data"]
    changed = {name for b, g in zip(bad, good, strict=True) for name in g if repr(b.get(name)) != repr(g[name])}

    assert changed == {"market_cap"}


def test_a_nested_field_can_be_named(server: SandboxServer) -> None:
    server.add_fault(f"missing_field=tracked_yearly_number@{METRICS}*1")

    assert "tracked_yearly_number" not in get(server, METRICS).json()["data"]


def test_a_field_that_is_no_part_of_the_answer_is_said_aloud(server: SandboxServer) -> None:
    server.add_fault(f"missing_field=market_cup@{CATEGORIES}*1")
    answer = get(server)

    assert answer.status_code == 500
    assert "market_cup" in answer.json()["status"]["error_message"]


@pytest.mark.parametrize("kind", ["all_missing", "all_text"])
def test_a_fault_for_every_endpoint_passes_over_those_without_its_field(server: SandboxServer, kind: str) -> None:
    good = get(server).json()["data"]
    server.add_fault(f"{kind}=num_tokens")
    assert get(server, METRICS).status_code == 200
    assert get(server).json()["data"] != good
    server.clear_faults()
    server.add_fault(f"{kind}=num_tokens@{METRICS}")
    assert get(server, METRICS).status_code == 500


def test_a_bad_price_is_charged_and_told_by_key_info(server: SandboxServer) -> None:
    server.add_fault("bad_price", value="5", times=1)
    told = get(server).json()["status"]["credit_count"]

    assert told == 7
    assert get(server, "key/info").json()["data"]["usage"]["current_month"]["credits_used"] == 7


def test_a_client_that_hangs_up_is_counted_all_the_same(server: SandboxServer) -> None:
    server.add_fault("slow=0.2")
    address = ("127.0.0.1", int(server.base_url.rpartition(":")[2]))
    request = f"GET {PATHS[CATEGORIES]} HTTP/1.1\r\nHost: x\r\nX-CMC_PRO_API_KEY: sandbox\r\n\r\n"
    client = socket.create_connection(address, timeout=10)
    client.sendall(request.encode())
    for _ in range(1000):
        if server.served():
            break
        get_usage(server)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()

    assert get_usage(server)["credits"] == 2
    server.clear_faults()
    assert get(server).status_code == 200


def get_usage(server: SandboxServer) -> dict[str, Any]:
    usage: dict[str, Any] = requests.get(server.base_url + "/sandbox/usage", timeout=10).json()
    return usage


def test_stopping_does_not_wait_for_slow_answers() -> None:
    server = SandboxServer(world="small", faults=["slow=600"]).start()
    with pytest.raises(requests.ReadTimeout):
        get(server, timeout=0.2)
    server.stop()

    assert server.usage()["credits"] == 2
