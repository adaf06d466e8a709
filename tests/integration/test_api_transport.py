"""What HTTP itself can do to a call, by servers that misbehave in ways of their own."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.errors import (
    ApiUnavailableError,
    ConfigurationError,
    CryptoEltError,
    ExitCode,
    RequestRejectedError,
    StoppedError,
    WindowClosedError,
)
from cryptoelt.settings import ApiSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

METRICS = ENDPOINTS["global-metrics/quotes/latest"]
KEY = "canary-91fe0b77"
GOOD = b'{"data": {"quote": {}}, "status": {"error_code": "0", "credit_count": "1"}}'

#: A moment that has no place in the calendar of UTC.
BEYOND = "Fri, 31 Dec 9999 23:59:59 -1200"
NO_YEAR = "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"

Responder = "Callable[[BaseHTTPRequestHandler], None]"


class RecordingClock(Clock):
    """Runs with the real one, but does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return super().now().astimezone(UTC) + timedelta(seconds=sum(self.sleeps))

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)


@contextmanager
def serving(respond: Callable[[Any], None]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Serve with `respond`; yields the URL and the headers of every request so far."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.close_connection = True
            respond(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sends(status: int, body: bytes = b"", **headers: str) -> Callable[[Any], None]:
    def respond(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def in_turn(*responders: Callable[[Any], None]) -> Callable[[Any], None]:
    """Use each responder once, then the last for ever."""
    waiting = list(responders)

    def respond(handler: Any) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)

    return respond


class Api:
    def __init__(self, home: Path, base_url: str, *, max_tries: int = 2, read_timeout: float = 5) -> None:
        api = ApiSettings(
            base_url=base_url, key=SecretStr(KEY), max_tries=max_tries, read_timeout=read_timeout, connect_timeout=5
        )
        settings = Settings(home=home, api=api)
        self.clock = RecordingClock()
        self.ledger = CreditLedger(settings.metadata_dir, settings.budget, self.clock)
        self.client = CoinMarketCapClient(settings, self.ledger, self.clock, run_id="run-1")

    def fail(self) -> CryptoEltError:
        with pytest.raises(CryptoEltError) as caught:
            self.client.get(METRICS)
        assert KEY not in repr(caught.value) + caught.value.message
        return caught.value

    @property
    def reserved(self) -> int:
        return self.ledger.state().reserved


def test_a_good_answer_has_what_it_needs_and_the_request_only_what_it_may(tmp_path: Path) -> None:
    with serving(sends(200, GOOD)) as (url, seen):
        answer = Api(tmp_path, url).client.get(METRICS)
    assert answer.credits == 1
    assert seen[0]["X-CMC_PRO_API_KEY"] == KEY
    assert seen[0]["Accept"] == "application/json"
    assert "gzip" in seen[0]["Accept-Encoding"]
    assert "Authorization" not in seen[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (b'{"error_code": 0, "timestamp": "2026-11-30T10:35:00.123Z"}', datetime(2026, 11, 30, 10, 35, 0, 123000, UTC)),
        (b'{"error_code": 0}', datetime(2026, 11, 30, 10, 36, tzinfo=UTC)),
    ],
)
def test_the_time_of_an_answer_is_its_own_or_else_that_of_the_header(
    tmp_path: Path, status: bytes, expected: datetime
) -> None:
    def respond(handler: Any) -> None:
        handler.send_response_only(200)
        handler.send_header("Date", "Mon, 30 Nov 2026 10:36:00 GMT")
        handler.end_headers()
        handler.wfile.write(b'{"data": {}, "status": ' + status + b"}")

    with serving(respond) as (url, _):
        assert Api(tmp_path, url).client.ask_key_info().server_time == expected


@pytest.mark.parametrize(
    "header",
    [{}, {"Date": "yesterday"}, {"Date": "Mon, 30 Nov 2026 10:36:00 -0000"}, {"Date": BEYOND}, {"Date": NO_YEAR}],
)
def test_an_answer_that_tells_no_time_has_none(tmp_path: Path, header: dict[str, str]) -> None:
    def respond(handler: Any) -> None:
        handler.send_response_only(200)
        for name, value in header.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(GOOD)

    with serving(respond) as (url, _):
        assert Api(tmp_path, url).client.get(METRICS).server_time is None


def test_a_retry_after_beyond_the_calendar_is_as_good_as_none(tmp_path: Path) -> None:
    with serving(in_turn(sends(503, Retry_After=NO_YEAR), sends(200, GOOD))) as (url, _):
        assert Api(tmp_path, url).client.get(METRICS).credits == 1


def test_a_redirection_is_not_followed_with_the_key(tmp_path: Path) -> None:
    with serving(sends(200, GOOD)) as (elsewhere, seen), serving(sends(302, Location=elsewhere)) as (url, asked):
        api = Api(tmp_path, url)
        error = api.fail()
    assert type(error) is ApiUnavailableError
    assert "redirection" in error.message
    assert len(asked) == 2
    assert seen == []
    assert api.reserved == 0


def test_a_password_in_netrc_is_not_sent_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(sends(200, GOOD)) as (url, seen):
        api = Api(tmp_path, url)
        api.client._transport._session.trust_env = True  # as for a public address
        api.client.get(METRICS)
    assert "Authorization" not in seen[0]
    assert seen[0]["X-CMC_PRO_API_KEY"] == KEY


def test_a_sandbox_is_not_asked_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(sends(200, GOOD)) as (url, seen), serving(sends(502)) as (proxy, through):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        Api(tmp_path, url).client.get(METRICS)
    assert (len(seen), len(through)) == (1, 0)


@pytest.mark.parametrize("header", ["40", "date"])
def test_retry_after_is_waited_for(tmp_path: Path, header: str) -> None:
    date = f"{datetime.now(UTC) + timedelta(seconds=42):%a, %d %b %Y %H:%M:%S GMT}"
    refusal = sends(503, Retry_After=date if header == "date" else header)
    with serving(in_turn(refusal, sends(200, GOOD))) as (url, _):
        api = Api(tmp_path, url)
        api.client.get(METRICS)
    assert len(api.clock.sleeps) == 1
    assert 38 <= api.clock.sleeps[0] <= 43


@pytest.mark.parametrize("header", ["soon", "-5", "1e3", ""])
def test_a_retry_after_that_says_nothing_is_passed_over(tmp_path: Path, header: str) -> None:
    with serving(in_turn(sends(503, Retry_After=header), sends(200, GOOD))) as (url, _):
        api = Api(tmp_path, url)
        api.client.get(METRICS)
    assert 1 <= api.clock.sleeps[0] <= 1.25


def test_too_many_requests_without_an_envelope_is_an_address_limit(tmp_path: Path) -> None:
    with serving(sends(429, b"<html>slow down</html>")) as (url, _):
        api = Api(tmp_path, url)
        assert type(api.fail()) is ApiUnavailableError
    assert api.clock.sleeps[0] >= 15


def test_a_missing_path_without_an_envelope_is_a_rejected_request(tmp_path: Path) -> None:
    with serving(sends(404, b'{"statusCode": 404, "error": "Not Found"}')) as (url, asked):
        assert type(Api(tmp_path, url).fail()) is RequestRejectedError
    assert len(asked) == 1


def test_a_proxy_that_wants_a_password_is_a_matter_of_configuration(tmp_path: Path) -> None:
    with serving(sends(407)) as (url, _):
        assert type(Api(tmp_path, url).fail()) is ConfigurationError


def test_an_answer_without_a_body_may_have_been_charged(tmp_path: Path) -> None:
    with serving(sends(204)) as (url, _):
        api = Api(tmp_path, url)
        assert type(api.fail()) is ApiUnavailableError
    assert api.reserved == 2


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
        b"not http at all\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Enc",
    ],
)
def test_an_answer_that_breaks_off_may_have_been_charged(tmp_path: Path, content: bytes) -> None:
    def respond(handler: Any) -> None:
        handler.wfile.write(content)

    with serving(respond) as (url, _):
        api = Api(tmp_path, url)
        error = api.fail()
    assert type(error) is ApiUnavailableError
    assert api.reserved == 2


def test_a_body_that_cannot_be_unpacked_may_have_been_charged(tmp_path: Path) -> None:
    with serving(sends(200, GOOD, Content_Encoding="gzip")) as (url, _):
        api = Api(tmp_path, url)
        assert type(api.fail()) is ApiUnavailableError
    assert api.reserved == 2


def test_an_error_whose_body_breaks_off_is_not_charged(tmp_path: Path) -> None:
    with serving(sends(500, b"{", Content_Length="900")) as (url, _):
        api = Api(tmp_path, url)
        assert "HTTP 500" in api.fail().message
    assert api.reserved == 0


def test_a_body_that_trickles_does_not_hold_a_run_for_ever(tmp_path: Path) -> None:
    ended = threading.Event()

    def respond(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not ended.wait(0.05):
                handler.wfile.write(b" ")
        except OSError:  # the client has hung up, as it should
            return

    with serving(respond) as (url, _):
        api = Api(tmp_path, url, max_tries=1, read_timeout=0.2)
        error = api.fail()
        ended.set()
    assert "was still sending" in error.message
    assert api.reserved == 1


def test_an_address_where_nobody_listens_is_not_charged(tmp_path: Path) -> None:
    with closing(socket.socket()) as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        api = Api(tmp_path, f"http://127.0.0.1:{port}")
        error = api.fail()
    assert f"no connection to http://127.0.0.1:{port}: Connection refused" in error.message
    assert api.reserved == 0


def test_a_name_that_leads_nowhere_is_not_charged(tmp_path: Path) -> None:
    api = Api(tmp_path, "http://nowhere.invalid")
    api.client._transport._session.trust_env = False
    assert "no connection to http://nowhere.invalid" in api.fail().message
    assert api.reserved == 0


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "garbage"])
def test_certificates_that_cannot_be_read_are_named_and_nothing_is_reserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(bundle))
    api = Api(tmp_path, "https://api.example.invalid")
    error = api.fail()

    assert type(error) is ConfigurationError
    assert str(bundle) in error.message
    assert variable in error.hint
    assert api.clock.sleeps == []
    assert api.reserved == 0
    assert not (tmp_path / "metadata" / "calls").exists()


def _silent(_: Any, over: threading.Event) -> None:
    over.wait(60)


def _trickling(handler: Any, over: threading.Event) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not over.wait(0.05):
        handler.wfile.write(b" ")


@pytest.mark.parametrize("answer", [_silent, _trickling])
@pytest.mark.parametrize(("times", "seconds"), [(1, 5), (2, 1.5)], ids=["asked to end", "asked twice"])
def test_a_call_that_keeps_a_run_from_ending_is_left_behind_and_stays_reserved(
    tmp_path: Path, answer: Callable[[Any, threading.Event], None], times: int, seconds: float
) -> None:
    over = threading.Event()

    def respond(handler: Any) -> None:
        for _ in range(times):
            api.clock.stop.set(ExitCode.INTERRUPTED)
        answer(handler, over)

    with serving(respond) as (url, seen):
        api = Api(tmp_path, url, read_timeout=3600)
        began = time.monotonic()
        error = api.fail()
        took = time.monotonic() - began
        over.set()

    assert (type(error), error.exit_code) == (StoppedError, ExitCode.INTERRUPTED)
    assert took < seconds
    assert len(seen) == 1
    assert api.reserved == 1
    (line,) = (tmp_path / "metadata" / "calls").glob("*.jsonl")
    told = json.loads(line.read_text())
    assert (told["outcome"], told["credits"]) == ("failed", None)


def test_a_call_is_left_behind_when_the_window_of_its_run_closes(tmp_path: Path) -> None:
    over = threading.Event()

    def respond(handler: Any) -> None:
        api.clock.stop.close_at(api.clock.monotonic())
        _silent(handler, over)

    with serving(respond) as (url, _):
        api = Api(tmp_path, url, read_timeout=3600)
        error = api.fail()
        over.set()
    assert type(error) is WindowClosedError
    assert api.reserved == 1


def test_a_run_that_is_to_end_begins_no_call(tmp_path: Path) -> None:
    with serving(sends(200, GOOD)) as (url, seen):
        api = Api(tmp_path, url)
        api.clock.stop.set()
        assert type(api.fail()) is StoppedError
    assert seen == []
