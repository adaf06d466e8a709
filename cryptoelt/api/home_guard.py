"""Synthetic and real data never mix: a home remembers whether it talks to a sandbox or to the public API."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptoelt.api.state_file import read_json, replace_json
from cryptoelt.errors import ConfigurationError
from cryptoelt.locks import file_lock
from cryptoelt.metadata.formats import FormatError

if TYPE_CHECKING:
    from pathlib import Path

_LOOPBACK = "loopback"
_PUBLIC = "public"


def is_loopback(base_url: str) -> bool:
    """Tell whether a URL leads to this machine."""
    host = (urlsplit(base_url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))  # the short forms: 127.1, 0x7f000001
        except OSError:
            return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def shown_origin(base_url: str) -> str:
    """Return scheme, host and port of a URL, without what may be secret in it."""
    parts = urlsplit(base_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


class HomeGuard:
    """Refuses a call to the other kind of API than the one this home's first answer came from."""

    def __init__(self, metadata_dir: Path) -> None:
        self.path = metadata_dir / "api" / "origin.json"
        self._known: str | None = None

    def check(self, base_url: str) -> None:
        """Check that this home may call `base_url`.

        Raises:
            ConfigurationError: the home holds data of the other kind.
            StorageError: the home's memory cannot be read.
        """
        self._refuse_other(self._remembered(), base_url)

    def remember(self, base_url: str) -> None:
        """Note durably which kind answered; the first one to answer decides.

        Raises:
            ConfigurationError: the other kind answered first, in another process.
            StorageError: the home's memory cannot be read or written.
        """
        if self._known is not None:
            return
        with file_lock(self.path.with_name(".origin.lock")):
            known = self._remembered()
            self._refuse_other(known, base_url)
            if known is None:
                replace_json(self.path, {"kind": _kind(base_url), "base_url": shown_origin(base_url)}, durable=True)
        self._known = _kind(base_url)

    def _remembered(self) -> str | None:
        try:
            memory = read_json(self.path)
            kind = None if memory is None else memory.text("kind")
            if kind not in {None, _LOOPBACK, _PUBLIC}:
                raise FormatError(f"kind is {kind!r}")
        except ValueError as exc:
            raise ConfigurationError(
                f"{self.path} does not say whether this home holds sandbox data or real data: {exc}",
                hint='restore it, or write {"kind": "loopback"} or {"kind": "public"} into it',
            ) from exc
        return kind

    def _refuse_other(self, known: str | None, base_url: str) -> None:
        if known in {None, _kind(base_url)}:
            return
        held, asked = ("sandbox", "a public address") if known == _LOOPBACK else ("real", "a sandbox on this machine")
        raise ConfigurationError(
            f"this home holds {held} data (by {self.path}), but api.base_url {shown_origin(base_url)} is {asked};"
            " synthetic and real data never mix",
            hint="use a home of its own for each: set CRYPTOELT_HOME, or correct api.base_url",
        )


def _kind(base_url: str) -> str:
    return _LOOPBACK if is_loopback(base_url) else _PUBLIC
