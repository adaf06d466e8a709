"""Reads requests from a socket and sends what was decided, well or badly."""

from __future__ import annotations

import gzip
import socket
import struct
import zlib
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from cryptoelt.sandbox.control import PREFIX, control
from cryptoelt.sandbox.replies import Ending, Reply, Request

if TYPE_CHECKING:
    from cryptoelt.sandbox.server import ConnectionServer

_LARGEST_BODY = 2**20
_LARGE_ANSWER = 2**20
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Handler(BaseHTTPRequestHandler):
    """Serves one connection, request after request."""

    server: ConnectionServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def serve(self) -> None:
        """Answer one request."""
        path, _, sent = self.path.partition("?")
        query = parse_qsl(sent, keep_blank_values=True)
        body = self._request_body()
        if body is None:
            self.close_connection = True
            return
        if path.startswith(PREFIX):
            reply = control(self.server.sandbox, self.command, path, query, body)
        else:
            key = self.headers.get("X-CMC_PRO_API_KEY")
            reply = self.server.sandbox.answer(Request(self.command, path, query, key))
        if reply.delay:
            self.server.stopping.wait(reply.delay)
        if reply.ending is Ending.RESET:
            self._reset()
        else:
            self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = serve  # noqa: N815 - http.server's names

    def _request_body(self) -> bytes | None:
        """Return the body that came with the request; None when it is none that can be read."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > _LARGEST_BODY:
            return None
        return self.rfile.read(int(length))

    def _send(self, reply: Reply) -> None:
        body, encoding = self._encoded(reply.body)
        self.send_response(reply.http_status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Vary", "Accept-Encoding")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if reply.http_status == 405:
            self.send_header("Allow", "GET")
        self.send_header("Content-Length", str(len(body)))
        if reply.ending is Ending.CUT_OFF:
            self.close_connection = True
            body = body[: len(body) // 2]
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _encoded(self, body: bytes) -> tuple[bytes, str]:
        offers = [part.partition(";") for part in self.headers.get("Accept-Encoding", "").lower().split(",")]
        accepted = {name.strip() for name, _, weight in offers if weight.replace(" ", "") not in {"q=0", "q=0.0"}}
        if body and "gzip" in accepted:
            return gzip.compress(body, 5 if len(body) < _LARGE_ANSWER else 1, mtime=0), "gzip"
        if body and "deflate" in accepted:
            return zlib.compress(body, 5), "deflate"
        return body, ""

    def _reset(self) -> None:
        """Close the connection so that the client gets a TCP reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.rfile.close()
        self.connection.close()

    def version_string(self) -> str:
        """Name the server."""
        return "cryptoelt-sandbox"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Write the Date header in the time of day that the sandbox tells, as `status.timestamp`."""
        return super().date_time_string(int(timestamp or self.server.sandbox.clock.time_of_day().timestamp()))

    def log_message(self, *_: object) -> None:
        """Say nothing: what was served is kept in /sandbox/served."""
