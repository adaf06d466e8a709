"""One HTTP request, and what became of it; knows nothing of envelopes, credits or retries."""

from __future__ import annotations

import email.utils
import os
import ssl
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, ReadTimeoutError

from cryptoelt import __version__
from cryptoelt.api.home_guard import is_loopback, shown_origin
from cryptoelt.api.in_flight import LeftBehindError, in_flight
from cryptoelt.api.key import KeyHeader
from cryptoelt.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import SecretStr

    from cryptoelt.clock import Clock
    from cryptoelt.settings import ApiSettings

_CHUNK = 65536
#: In the order in which `requests` looks at them.
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class Exchange:
    """What became of a request.

    Attributes:
        status: the HTTP status; None when no answer began.
        body: the whole body, unpacked; None when it did not arrive whole.
        retry_after: the header Retry-After, in seconds from now.
        problem: what went wrong on the way; "" when nothing did.
        sent: whether the request may have reached the API.
        elapsed_ms: from sending to the last byte, by our clock.
        content_type: what the body is said to be, without its parameters; "" where nothing is said.
        date: the header Date; None where there is none that can be read.
    """

    status: int | None
    body: bytes | None
    retry_after: float | None
    problem: str
    sent: bool
    elapsed_ms: int
    content_type: str = ""
    date: datetime | None = None


class Transport:
    """One keep-alive connection to the API."""

    def __init__(self, settings: ApiSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._origin = shown_origin(settings.base_url)
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", "User-Agent": f"cryptoelt/{__version__}"})
        adapter = HTTPAdapter(max_retries=0)  # a retry must reserve its own credits
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        if is_loopback(settings.base_url):
            self._session.trust_env = False  # a sandbox on this machine is never behind a proxy

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def require_certificates(self) -> None:
        """See that the certificates which the environment names can be read; without them nothing could be sent.

        Raises:
            ConfigurationError: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no usable file or folder.
        """
        path = next((value for name in _CA_VARIABLES if (value := os.environ.get(name))), None)
        if path is None or not self._session.trust_env or not self._settings.base_url.startswith("https"):
            return
        try:
            is_folder = Path(path).is_dir()
            ssl.create_default_context(capath=path if is_folder else None, cafile=None if is_folder else path)
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise ConfigurationError(
                f"the certificates to check the API's against cannot be read: {path}: {reason}",
                hint=f"correct {' or '.join(_CA_VARIABLES)} in the environment (and in the crontab), or take it out",
            ) from None

    def send(self, path: str, parameters: dict[str, str], key: SecretStr) -> Exchange:
        """Send one GET request and read the whole answer; an answer that keeps a run from ending is left behind."""
        began = self._clock.monotonic()
        try:
            exchange = in_flight(lambda: self._exchange(path, parameters, key), self._clock.stop)
        except LeftBehindError:
            problem = f"{self._origin} had not answered when the run had to end"
            exchange = Exchange(None, None, None, problem, sent=True, elapsed_ms=0)
        return replace(exchange, elapsed_ms=round((self._clock.monotonic() - began) * 1000))

    def _exchange(self, path: str, parameters: dict[str, str], key: SecretStr) -> Exchange:
        status: int | None = None
        body: bytes | None = None
        retry_after: float | None = None
        date: datetime | None = None
        problem, sent, content_type = "", True, ""
        # The exceptions of `requests` hold the request and so the key: none of them leaves this block, not even as
        # the context of another.
        try:
            with self._session.get(
                self._settings.base_url + path,
                params=parameters,
                auth=KeyHeader(key),
                timeout=(self._settings.connect_timeout, self._settings.read_timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                retry_after = self._seconds(response.headers.get("Retry-After"))
                content_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
                date = _moment(response.headers.get("Date"))
                body = self._read(response)
        except (requests.RequestException, HTTPError) as exc:
            sent = status is not None or not _never_sent(exc)
            problem = self._told(exc, sent=sent)
        if not problem and body is None:
            problem = f"{self._origin} was still sending after {self._longest_body:.0f} s"
        return Exchange(status, body, retry_after, problem, sent, 0, content_type, date)

    @property
    def _longest_body(self) -> float:
        # The read time-out bounds the silence between two bytes; this bounds a body that trickles.
        return 3 * self._settings.read_timeout

    def _read(self, response: requests.Response) -> bytes | None:
        deadline = self._clock.monotonic() + self._longest_body
        chunks = []
        # read1 comes back with whatever has arrived; iter_content would wait for a full chunk, however long it takes.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            if self._clock.monotonic() > deadline:
                return None
        return b"".join(chunks)

    def _seconds(self, header: str | None) -> float | None:
        if header is None:
            return None
        try:
            if header.strip().isdigit():
                return float(header)
            return max(0.0, (email.utils.parsedate_to_datetime(header) - self._clock.now()).total_seconds())
        except (TypeError, ValueError, OverflowError):  # neither seconds nor an aware date within the calendar
            return None

    def _told(self, exc: Exception, *, sent: bool) -> str:
        if isinstance(exc, requests.ConnectTimeout):
            return f"no connection to {self._origin} within {self._settings.connect_timeout:g} s"
        if any(isinstance(cause, ReadTimeoutError) for cause in _causes(exc)):
            return f"{self._origin} was silent for {self._settings.read_timeout:g} s"
        reason = next((text for cause in _causes(exc) if (text := _system_text(cause))), type(exc).__name__)
        if not sent:
            return f"no connection to {self._origin}: {reason}"
        return f"the connection to {self._origin} broke off: {reason}"


def _moment(header: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(header or "")
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: an offset that leaves the calendar
        return None


def _never_sent(exc: Exception) -> bool:
    # Whatever is not listed here may have reached the API.
    refusals = (NewConnectionError, ConnectTimeoutError, ProxyError, ssl.SSLCertVerificationError)
    unsendable = isinstance(exc, ValueError)  # an URL or a header that HTTP cannot carry
    return unsendable or any(isinstance(cause, refusals) for cause in _causes(exc))


def _causes(exc: BaseException) -> list[BaseException]:
    """Return an exception and all it was raised for, however it carries them."""
    found: list[BaseException] = []
    waiting: list[object] = [exc]
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            waiting += [item.__cause__, getattr(item, "reason", None), *item.args]
    return found


def _system_text(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or 'handshake failed'}"
    if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException | HTTPError):
        return cause.strerror or type(cause).__name__
    return ""
