"""What is asked and what is to be sent, free of sockets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptoelt.sandbox.faults import Fault

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

_KEY_PARAMETERS = frozenset({"CMC_PRO_API_KEY", "X-CMC_PRO_API_KEY"})


class Ending(Enum):
    """How the sending of a reply ends."""

    WHOLE = "whole"
    CUT_OFF = "cut off"
    RESET = "reset"


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: list[tuple[str, str]]
    key: str | None

    @property
    def shows_key(self) -> bool:
        """Whether a key stands in the URL, where logs would keep it."""
        return any(_is_key(name) for name, _ in self.query)

    def ids(self) -> list[str]:
        """Return what the parameter `id` names."""
        return [text for name, sent in self.query if name == "id" for text in sent.split(",")]

    def parameters(self) -> dict[str, str]:
        """Return the parameters sent, without a key that should not have been among them."""
        return {name: "(hidden)" if _is_key(name) else text for name, text in self.query}


def _is_key(name: str) -> bool:
    return name.strip().upper() in _KEY_PARAMETERS


@dataclass(frozen=True)
class Reply:
    """What is to be sent; `http_status` 0 means that nothing is."""

    http_status: int
    body: bytes
    content_type: str = JSON
    error_code: int = 0
    credits: int = 0
    delay: float = 0.0
    ending: Ending = Ending.WHOLE


NO_SUCH_PATH = Reply(404, b'{"statusCode":404,"error":"Not Found","message":"Not Found"}', error_code=404)
RESET = Reply(0, b"", ending=Ending.RESET)


def gateway_page(http_status: int) -> Reply:
    """Return the page of something in front of the API that got no answer from it."""
    return Reply(http_status, _page(f"{http_status}: the gateway got no answer"), HTML, error_code=http_status)


def badly_sent(reply: Reply, fault: Fault) -> Reply:
    """Return a good reply as a fault of the sending leaves it; it stays charged."""
    match fault.kind.name:
        case "slow":
            return replace(reply, delay=float(fault.value))
        case "cut_off":
            return replace(reply, ending=Ending.CUT_OFF)
        case "html":
            return replace(reply, body=_page("Checking your browser"), content_type=HTML)
        case "empty_body":
            return replace(reply, body=b"")
        case _:
            return replace(RESET, credits=reply.credits)


def _page(title: str) -> bytes:
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n".encode()
