"""The sandbox can be looked into and steered while it runs: what it served, its clock, faults and limits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from cryptoelt.sandbox.accounts import account_name
from cryptoelt.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CATEGORIES = "/v1/cryptocurrency/categories"
METRICS = "/v1/global-metrics/quotes/latest"
MOOD = "/v3/fear-and-greed/latest"
KEY_INFO = "/v1/key/info"
START = "2026-11-23T10:31:05Z"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(world="small", start_time=START, speed=0, minute_limit=1000) as running:
        yield running


def get(server: SandboxServer, path: str, key: str | None = "sandbox", **parameters: str | int) -> requests.Response:
    headers = {} if key is None else {"X-CMC_PRO_API_KEY": key}
    return requests.get(server.base_url + path, headers=headers, params=parameters, timeout=10)


def data(server: SandboxServer, path: str, **parameters: str | int) -> Any:
    return get(server, path, "sandbox", **parameters).json()["data"]


def test_what_was_served_is_listed_with_body_and_checksum(server: SandboxServer) -> None:
    answer = get(server, CATEGORIES, limit=2)
    listed = requests.get(server.base_url + "/sandbox/served", timeout=10).json()["served"]
    one = requests.get(server.base_url + "/sandbox/served/1", timeout=10).json()
    with_bodies = requests.get(server.base_url + "/sandbox/served?body=1", timeout=10).json()["served"]

    assert len(listed) == 1
    assert listed[0] | {"sha256": ""} == {
        "sequence": 1, "at": "2026-11-23T10:31:05Z", "endpoint": "cryptocurrency/categories",
        "account": account_name("sandbox"), "parameters": {"limit": "2"}, "http_status": 200, "error_code": 0,
        "credits": 2, "records": 2, "fault": None, "path": CATEGORIES, "sha256": "",
    }  # fmt: skip
    assert one["body"] == with_bodies[0]["body"] == answer.text
    assert server.served_body(1) == answer.content


def test_control_moves_the_clock_and_needs_no_key(server: SandboxServer) -> None:
    url = server.base_url + "/sandbox/clock"

    assert requests.post(url, json={"advance": 55}, timeout=10).json() == {"now": "2026-11-23T10:32:00Z"}
    assert requests.post(url, json={"set": "2027-01-01"}, timeout=10).json() == {"now": "2027-01-01T00:00:00Z"}
    assert data(server, MOOD)["update_time"] == "2027-01-01T00:00:00.000Z"


def test_control_adds_lists_and_clears_faults(server: SandboxServer) -> None:
    url = server.base_url + "/sandbox/faults"
    added = requests.post(url, json={"faults": ["http_500*1", "http_503"]}, timeout=10).json()
    codes = [get(server, METRICS).status_code for _ in range(2)]
    cleared = requests.delete(url, timeout=10).json()

    assert added == {"faults": ["http_500*1", "http_503"]}
    assert codes == [500, 503]
    assert cleared == {"faults": []}
    assert get(server, METRICS).status_code == 200


def test_control_changes_the_plan(server: SandboxServer) -> None:
    url = server.base_url + "/sandbox/limits"
    told = requests.post(url, json={"month": 500, "minute": 7, "credits_used": 499}, timeout=10).json()
    plan = data(server, KEY_INFO)

    assert told == {"minute": 7, "day": None, "month": 500}
    assert plan["plan"]["rate_limit_minute"] == 7
    assert plan["usage"]["current_month"] == {"credits_used": 499, "credits_left": 1}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"advance": "soon"}),
        ("clock", {"set": "tomorrow"}),
        ("clock", {}),
        ("clock", {"jump": 1}),
        ("faults", {"faults": ["http_418"]}),
        ("faults", {"faults": "http_500"}),
        ("limits", {"minute": -1}),
        ("limits", {"month": "many"}),
        ("nothing", {}),
    ],
)
def test_control_refuses_nonsense_and_says_why(server: SandboxServer, path: str, body: dict[str, Any]) -> None:
    answer = requests.post(f"{server.base_url}/sandbox/{path}", json=body, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [{}, {"fault": "http_500"}, {"faults": "http_500"}])
def test_control_shows_the_form_of_faults(server: SandboxServer, body: dict[str, Any]) -> None:
    answer = requests.post(f"{server.base_url}/sandbox/faults", json=body, timeout=10).json()
    assert answer["hint"].startswith('{"faults": ["KIND@ENDPOINT"]}')


def test_control_is_neither_counted_nor_listed(server: SandboxServer) -> None:
    requests.get(server.base_url + "/sandbox/usage", timeout=10)

    assert server.usage()["requests"] == 0
    assert server.served() == []


def test_time_runs_at_its_own_speed() -> None:
    with SandboxServer(world="small", start_time=START, speed=100_000) as server:
        began, before = time.monotonic(), server.now()
        get(server, KEY_INFO)
        passed, real = (server.now() - before).total_seconds(), time.monotonic() - began

    assert 0 < passed <= real * 100_000 + 1


def test_a_stopped_sandbox_refuses_connections_and_goes_on_where_it_was() -> None:
    server = SandboxServer(world="small", start_time=START, speed=0)
    with requests.Session() as session:
        session.headers["X-CMC_PRO_API_KEY"] = "sandbox"
        with server:
            url = server.base_url
            session.get(url + METRICS, timeout=10)
        with pytest.raises(requests.ConnectionError):
            session.get(url + METRICS, timeout=10)
        with server:
            assert server.base_url == url
            assert session.get(url + METRICS, timeout=10).status_code == 200

    assert server.usage()["credits"] == 2
