"""Over HTTP the sandbox has the envelope, the strictness and the oddities of the real API."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import requests

from cryptoelt.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CATEGORIES = "/v1/cryptocurrency/categories"
METRICS = "/v1/global-metrics/quotes/latest"
MOOD = "/v3/fear-and-greed/latest"
KEY_INFO = "/v1/key/info"
EVERY_PATH = (CATEGORIES, METRICS, MOOD, KEY_INFO)
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


@pytest.mark.parametrize("path", [CATEGORIES, METRICS, KEY_INFO])
def test_version_1_has_an_integer_code_a_null_message_and_a_notice(server: SandboxServer, path: str) -> None:
    status = get(server, path).json()["status"]

    assert status.pop("elapsed") >= 0
    assert status.pop("credit_count") >= 0
    assert status == {
        "timestamp": "2026-11-23T10:31:05.000Z", "error_code": 0, "error_message": None, "notice": None,
    }  # fmt: skip


def test_version_3_has_a_text_code_an_empty_message_and_no_notice(server: SandboxServer) -> None:
    status = get(server, MOOD).json()["status"]

    assert sorted(status) == ["credit_count", "elapsed", "error_code", "error_message", "timestamp"]
    assert (status["error_code"], status["error_message"]) == ("0", "")


def test_errors_have_no_data_no_notice_and_the_code_of_their_version(server: SandboxServer) -> None:
    first, third = (get(server, path, wrong=1).json() for path in (METRICS, MOOD))

    assert list(first) == list(third) == ["status"]
    assert "notice" not in first["status"]
    assert first["status"]["error_code"] == 400
    assert third["status"]["error_code"] == "400"
    assert first["status"]["credit_count"] == 0


def test_the_order_of_status_and_data_is_not_fixed(server: SandboxServer) -> None:
    orders = set()
    for _ in range(40):
        orders.add(tuple(get(server, KEY_INFO).json()))
        server.advance(1)

    assert orders == {("status", "data"), ("data", "status")}


@pytest.mark.parametrize("path", EVERY_PATH)
def test_an_unknown_parameter_is_refused_by_name(server: SandboxServer, path: str) -> None:
    answer = get(server, path, colour="red")

    assert answer.status_code == 400
    assert '"colour"' in answer.json()["status"]["error_message"]


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (CATEGORIES, "start", "0"),
        (CATEGORIES, "start", "-1"),
        (CATEGORIES, "start", "one"),
        (CATEGORIES, "start", "1.0"),
        (CATEGORIES, "start", ""),
        (CATEGORIES, "limit", "0"),
        (CATEGORIES, "limit", "5001"),
        (CATEGORIES, "limit", "٣"),
        (CATEGORIES, "id", "999999999"),
        (CATEGORIES, "id", "x"),
        (CATEGORIES, "slug", "no-such-coin"),
        (CATEGORIES, "symbol", "NOSUCH"),
        (METRICS, "convert", "XYZ"),
        (METRICS, "convert", "USD, EUR"),
        (METRICS, "convert", "USD,USD"),
        (METRICS, "convert", ",".join(["USD"] * 121)),
        (METRICS, "convert_id", "USD"),
        (METRICS, "convert_id", "999999"),
    ],
)
def test_a_bad_value_is_refused_and_the_parameter_named(
    server: SandboxServer, path: str, name: str, value: str
) -> None:
    answer = get(server, path, **{name: value})

    assert answer.status_code == 400
    assert answer.json()["status"]["error_code"] == 400
    assert f'"{name}"' in answer.json()["status"]["error_message"]


def test_a_parameter_sent_twice_is_refused(server: SandboxServer) -> None:
    assert get(server, f"{CATEGORIES}?limit=1&limit=2").status_code == 400


def test_parameters_that_exclude_each_other_are_refused(server: SandboxServer) -> None:
    answer = get(server, METRICS, convert="USD", convert_id="2781")

    assert answer.status_code == 400
    assert '"convert_id"' in answer.json()["status"]["error_message"]


@pytest.mark.parametrize("path", EVERY_PATH)
def test_no_key_is_1002_and_an_unknown_key_1001(server: SandboxServer, path: str) -> None:
    answers = [get(server, path, key=key) for key in (None, "", "unknown")]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert [int(answer.json()["status"]["error_code"]) for answer in answers] == [1002, 1002, 1001]
    assert answers[0].json()["status"]["error_message"] == "API key missing."


def test_only_configured_keys_are_known_where_there_are_any() -> None:
    with SandboxServer(world="small", accepted_keys={"ours"}) as server:
        assert get(server, KEY_INFO, key="ours").status_code == 200
        assert get(server, KEY_INFO, key="theirs").json()["status"]["error_code"] == 1001


@pytest.mark.parametrize("name", ["CMC_PRO_API_KEY", "cmc_pro_api_key", "X-CMC_PRO_API_KEY"])
def test_a_key_in_the_url_is_refused_and_kept_nowhere(server: SandboxServer, name: str) -> None:
    answer = get(server, METRICS, **{name: "canary-7f3a"})

    assert answer.status_code == 401
    assert "URL" in answer.json()["status"]["error_message"]
    assert "canary" not in answer.text + json.dumps(server.served(bodies=True)) + json.dumps(server.usage())


@pytest.mark.parametrize("path", ["/", "/v2/cryptocurrency/categories", CATEGORIES + "/", "/sandboxes"])
def test_a_wrong_path_is_404_without_an_envelope(server: SandboxServer, path: str) -> None:
    answer = get(server, path)

    assert answer.status_code == 404
    assert "status" not in answer.json()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_only_get_is_allowed(server: SandboxServer, method: str) -> None:
    with requests.Session() as session:
        session.headers["X-CMC_PRO_API_KEY"] = "sandbox"
        answer = session.request(method, server.base_url + METRICS, timeout=10)
        after = session.get(server.base_url + METRICS, timeout=10)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert after.status_code == 200


def test_pages_together_are_the_whole(server: SandboxServer) -> None:
    whole = data(server, CATEGORIES)
    pages = [data(server, CATEGORIES, start=start, limit=5) for start in (1, 6, 11, 16)]

    assert [len(page) for page in pages] == [5, 5, 2, 0]
    assert [record for page in pages for record in page] == whole


def test_a_start_beyond_the_end_is_an_empty_list(server: SandboxServer) -> None:
    answer = get(server, CATEGORIES, start=13)

    assert answer.status_code == 200
    assert answer.json()["data"] == []


def test_the_full_world_is_served_whole_by_default() -> None:
    with SandboxServer(start_time=START) as server:
        answer = get(server, CATEGORIES).json()

    assert 268 <= len(answer["data"]) <= 284
    assert answer["status"]["credit_count"] == 3


def test_convert_chooses_the_quotes(server: SandboxServer) -> None:
    plain = data(server, METRICS)["quote"]
    both = data(server, METRICS, convert="EUR,USD")["quote"]
    by_id = data(server, METRICS, convert_id="2781")["quote"]

    assert list(plain) == ["USD"]
    assert list(both) == ["EUR", "USD"]
    assert both["EUR"]["total_market_cap"] < both["USD"]["total_market_cap"]
    assert both["EUR"]["defi_24h_percentage_change"] == both["USD"]["defi_24h_percentage_change"]
    assert by_id == {"2781": plain["USD"]}


def test_global_metrics_have_every_key_of_the_documentation(server: SandboxServer) -> None:
    metrics = data(server, METRICS)
    totals = {f"total_{name}" for name in ("market_cap", "volume_24h", "volume_24h_reported")}
    ends = ("", "_percentage_change")
    ends = ("", "_percentage_change")
    yesterday = {f"total_{name}_yesterday{end}" for name in ("market_cap", "volume_24h") for end in ends}
    altcoins = {f"altcoin_{name}" for name in ("market_cap", "volume_24h", "volume_24h_reported")}
    sectors = {
        f"{sector}_{name}"
        for sector in ("defi", "stablecoin", "derivatives")
        for name in ("volume_24h", "volume_24h_reported", "24h_percentage_change", "market_cap")
    } - {"derivatives_market_cap"}

    assert set(metrics["quote"]["USD"]) == totals | yesterday | altcoins | sectors | {"last_updated"}
    assert sectors < set(metrics)
    assert {f"past_{span}_incremental_crypto_number" for span in ("24h", "7d", "30d")} < set(metrics)
    assert set(metrics["tracked_yearly_number"]) == {
        "maxIncrementalNumber", "maxIncrementalDate", "minIncrementalNumber", "minIncrementalDate",
    }  # fmt: skip


def test_times_are_iso_with_milliseconds_and_z(server: SandboxServer) -> None:
    times = [
        data(server, MOOD)["update_time"],
        data(server, METRICS)["last_updated"],
        data(server, CATEGORIES)[0]["last_updated"],
        data(server, KEY_INFO)["plan"]["credit_limit_monthly_reset_timestamp"],
    ]

    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment) for moment in times)


def test_data_changes_only_as_often_as_documented(server: SandboxServer) -> None:
    first = [data(server, path) for path in (CATEGORIES, METRICS, MOOD)]
    server.advance(20)
    same = [data(server, path) for path in (CATEGORIES, METRICS, MOOD)]
    server.advance(30)
    after_50 = [data(server, path) for path in (CATEGORIES, METRICS, MOOD)]
    server.set_time("2026-11-23T10:46:00Z")
    after_quarter = [data(server, path) for path in (CATEGORIES, METRICS, MOOD)]

    assert same == first
    assert [now == then for now, then in zip(after_50, first, strict=True)] == [False, True, True]
    assert [now == then for now, then in zip(after_quarter, first, strict=True)] == [False, False, False]
    assert after_quarter[2]["update_time"] == "2026-11-23T10:45:00.000Z"


def test_data_can_change_every_second() -> None:
    with SandboxServer(world="small", start_time=START, speed=0, refresh=1) as server:
        first = data(server, METRICS)
        server.advance(1)

        assert data(server, METRICS) != first


def test_the_same_seed_and_time_give_the_same_bytes() -> None:
    bodies = []
    for _ in range(2):
        with SandboxServer(seed=7, world="small", start_time=START, speed=0) as server:
            bodies.append([get(server, path).content for path in EVERY_PATH])

    assert bodies[0] == bodies[1]


def test_answers_are_compressed_when_asked_for(server: SandboxServer) -> None:
    def raw(offer: str) -> tuple[str | None, bytes]:
        headers = {"X-CMC_PRO_API_KEY": "sandbox", "Accept-Encoding": offer}
        with requests.get(server.base_url + CATEGORIES, headers=headers, stream=True, timeout=10) as answer:
            return answer.headers.get("Content-Encoding"), answer.raw.read(decode_content=False)

    plain = raw("identity")
    assert plain[0] is None
    assert json.loads(plain[1])["status"]["error_code"] == 0
    assert (raw("gzip")[0], gzip.decompress(raw("gzip")[1])) == ("gzip", plain[1])
    assert (raw("deflate")[0], zlib.decompress(raw("deflate")[1])) == ("deflate", plain[1])
    assert raw("gzip;q=0, br") == plain


def test_answers_send_no_limit_headers(server: SandboxServer) -> None:
    server.add_fault("http_429_1008")
    names = {name.lower() for name in get(server, METRICS).headers}

    assert not any("limit" in name or name == "retry-after" for name in names)


def test_names_arrive_as_text_not_as_escapes(server: SandboxServer) -> None:
    answer = get(server, CATEGORIES)

    assert "去中心化交易所".encode() in answer.content
    assert "🚀 Moon Missions 🌕" in {record["name"] for record in answer.json()["data"]}
