"""The sandbox as a server on 127.0.0.1, and the handle by which tests hold it."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Any, Self

from cryptoelt.clock import Clock, parse_iso
from cryptoelt.errors import ConfigurationError, UsageError
from cryptoelt.sandbox.accounts import Limits
from cryptoelt.sandbox.clock import SandboxClock
from cryptoelt.sandbox.core import Sandbox
from cryptoelt.sandbox.faults import Fault, kind_named, parse_fault
from cryptoelt.sandbox.handler import Handler
from cryptoelt.sandbox.market.world import Market, World, world_named

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from pathlib import Path

_HOST = "127.0.0.1"
_LONGEST_END = 5.0


class ConnectionServer(ThreadingHTTPServer):
    """Serves each connection in a thread, and can end all of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._changed = Condition()
        super().__init__((_HOST, port), Handler)

    def server_bind(self) -> None:
        """Bind without asking for the host's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = _HOST, self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        with self._changed:
            self._connections.add(connection)
        return connection, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end, and forget it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._connections.discard(request)
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show what went wrong, unless it is only a client that hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def end(self) -> None:
        """Stop accepting, end every connection, and free the port."""
        self.stopping.set()
        self.shutdown()
        with self._changed:
            for connection in self._connections:
                try:
                    connection.shutdown(2)
                except OSError:  # it has ended by itself
                    continue
            self._changed.wait_for(lambda: not self._connections, _LONGEST_END)
        self.server_close()


class SandboxServer:
    """A sandbox that can be asked over HTTP, in this process.

    It keeps its state when it is stopped and started again, and then has the same port.

    Args:
        seed: another seed is another market.
        world: `full`, `medium`, `small`, `small-churn`, or a size of one's own.
        port: 0 takes a free one.
        start_time: the sandbox's first moment (a time, or ISO 8601); None is the present.
        speed: sandbox seconds in a real second; 0 lets time stand still but for `advance`.
        refresh: seconds between two states of the market; None takes those documented for each endpoint.
        minute_limit: requests a key may make in a clock minute.
        daily_limit: credits a key may use in a UTC day; None is no limit.
        monthly_credits: credits a key may use in a credit month.
        reset_day: day of the month on which the credit month begins.
        faults: specs, as for `add_fault`.
        accepted_keys: the only keys that are known; None knows every key but the refused ones.
        refused_keys: keys the API does not know.
        usage_file: keeps the count of credits over restarts of the process.
        clock: tells the time outside.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        world: str | World = "full",
        port: int = 0,
        start_time: datetime | str | None = None,
        speed: float = 1.0,
        refresh: int | None = None,
        minute_limit: int = 50,
        daily_limit: int | None = None,
        monthly_credits: int = 15_000,
        reset_day: int = 1,
        faults: Iterable[str] = (),
        accepted_keys: Collection[str] | None = None,
        refused_keys: Collection[str] = ("unknown",),
        usage_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._port = port
        self._server: ConnectionServer | None = None
        self._thread: Thread | None = None
        self.sandbox = Sandbox(
            Market(seed, world_named(world) if isinstance(world, str) else world),
            SandboxClock(_moment(start_time) if start_time else None, speed, clock),
            Limits(minute_limit, daily_limit, monthly_credits, reset_day),
            refresh=refresh,
            accepted_keys=accepted_keys,
            refused_keys=refused_keys,
            usage_file=usage_file,
        )
        for spec in faults:
            self.add_fault(spec)

    @property
    def base_url(self) -> str:
        """The URL to ask, without a trailing slash; known once it was started."""
        return f"http://{_HOST}:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point cryptoelt at this sandbox."""
        return {"CRYPTOELT_API__BASE_URL": self.base_url, "CRYPTOELT_API__KEY": "sandbox"}

    def start(self) -> Self:
        """Begin to answer.

        Raises:
            ConfigurationError: the port cannot be had.
        """
        try:
            self._server = ConnectionServer(self.sandbox, self._port)
        except OSError as exc:
            raise ConfigurationError(
                f"the sandbox cannot listen on port {self._port}: {exc.strerror}",
                hint="choose another with --port, or let it take a free one with --port 0",
            ) from exc
        self._port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="sandbox", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answer no more: connections end, and new ones are refused. A sandbox that is stopped stays so."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def now(self) -> datetime:
        """Return the sandbox's moment."""
        with self.sandbox.lock:
            return self.sandbox.clock.now()

    def advance(self, seconds: float) -> None:
        """Let the market's time jump; the time of day that key/info tells stays as it was."""
        with self.sandbox.lock:
            self.sandbox.clock.advance(seconds)

    def advance_to(self, moment: datetime | str) -> Self:
        """Let the market's time jump to a moment, for a program whose own clock does not follow."""
        with self.sandbox.lock:
            self.sandbox.clock.advance((_moment(moment) - self.sandbox.clock.now()).total_seconds())
        return self

    def set_time(self, moment: datetime | str) -> None:
        """Set the sandbox's time, also the time of day that key/info tells."""
        with self.sandbox.lock:
            self.sandbox.clock.set(_moment(moment))

    def usage(self) -> dict[str, Any]:
        """Return the shape of GET /sandbox/usage: requests and credits of the credit month, in all and by key."""
        return self.sandbox.usage()

    def served(self, *, bodies: bool = False) -> list[dict[str, Any]]:
        """Return every answer so far, oldest first."""
        with self.sandbox.lock:
            return self.sandbox.served.as_json(bodies=bodies)

    def served_body(self, sequence: int) -> bytes | None:
        """Return the body of one answer as it was before compression, if it is still kept."""
        with self.sandbox.lock:
            return self.sandbox.served.body(sequence)

    def add_fault(
        self, kind: str, *, endpoint: str | None = None, times: int | None = None, skip: int = 0, value: str = ""
    ) -> None:
        """Add a fault, by its kind and where it strikes, or by a whole spec such as `http_500*2`.

        Raises:
            UsageError: there is no such kind or endpoint, or a spec comes with what belongs inside it.
        """
        plain = kind.replace("_", "").isalnum()
        if not plain and (endpoint, times, skip, value) != (None, None, 0, ""):
            raise UsageError(f"{kind!r} is a whole spec", hint="say the rest inside it, or name the kind alone")
        fault = Fault(kind_named(kind), endpoint, times, skip, value) if plain else parse_fault(kind)
        with self.sandbox.lock:
            self.sandbox.faults.faults.append(fault)

    def clear_faults(self) -> None:
        """Take all faults away."""
        with self.sandbox.lock:
            self.sandbox.faults.faults.clear()

    def set_limits(
        self,
        *,
        minute: int | None = None,
        day: int | None = None,
        month: int | None = None,
        credits_used: int | None = None,
    ) -> None:
        """Change the plan; with `credits_used` every key has used so many of this month's credits."""
        self.sandbox.set_limits(minute=minute, day=day, month=month, used=credits_used)


def _moment(given: datetime | str) -> datetime:
    if not isinstance(given, str):
        return given
    try:
        return parse_iso(given)
    except ValueError as exc:
        raise UsageError(f"{given!r} is not a time", hint="write it as 2026-11-23T10:30:00Z") from exc
