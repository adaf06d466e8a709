"""The paths below /sandbox: no part of the real API, free, and open without a key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso, parse_iso
from cryptoelt.errors import UsageError
from cryptoelt.sandbox.faults import parse_fault
from cryptoelt.sandbox.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.sandbox.core import Sandbox

PREFIX = "/sandbox/"


def control(sandbox: Sandbox, method: str, path: str, query: list[tuple[str, str]], body: bytes) -> Reply:
    """Answer a request below /sandbox."""
    with sandbox.lock:
        try:
            return _json(200, _route(sandbox, method, path.removeprefix(PREFIX), dict(query), body))
        except UsageError as exc:
            return _json(400, {"error": exc.message, "hint": exc.hint})


def _route(sandbox: Sandbox, method: str, name: str, query: dict[str, str], body: bytes) -> Any:
    action = _ACTIONS.get((method, name))
    if action is not None:
        return action(sandbox, _object(body))
    if method == "GET" and name == "served":
        return {"served": sandbox.served.as_json(bodies=query.get("body") == "1")}
    first, _, last = name.partition("/")
    if method == "GET" and first == "served" and last.isdecimal():
        found = sandbox.served.one_as_json(int(last))
        if found is not None:
            return found
    paths = ", ".join(f"{of} {PREFIX}{path}" for of, path in (*_ACTIONS, ("GET", "served[/SEQUENCE]")))
    raise UsageError(f"there is no {method} {PREFIX}{name}", hint=f"one of: {paths}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError as exc:
        raise UsageError(f"the body is not JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise UsageError("the body is not a JSON object")
    return found


def _fields(body: dict[str, Any], *names: str, hint: str = "") -> list[Any]:
    unknown = sorted(set(body) - set(names))
    if unknown or not body:
        raise UsageError(f"unexpected body {sorted(body)}", hint=hint or f"one or more of: {', '.join(names)}")
    return [body.get(name) for name in names]


def set_clock(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Move the clock: `{"advance": seconds}` or `{"set": time}`."""
    advance, moment = _fields(body, "advance", "set")
    try:
        if moment is not None:
            sandbox.clock.set(parse_iso(moment))
        if advance is not None:
            sandbox.clock.advance(float(advance))
    except (ValueError, TypeError, OverflowError) as exc:
        raise UsageError(f"the clock cannot be moved: {exc}", hint='{"advance": seconds} or {"set": time}') from exc
    return {"now": iso(sandbox.clock.now())}


def add_faults(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Add faults: `{"faults": [spec]}`."""
    hint = '{"faults": ["KIND@ENDPOINT"]}, for example {"faults": ["http_500@key/info*2"]}'
    (specs,) = _fields(body, "faults", hint=hint)
    if not isinstance(specs, list):
        raise UsageError("faults is not a list", hint=hint)
    sandbox.faults.faults += [parse_fault(str(spec)) for spec in specs]
    return _list_faults(sandbox, {})


def _list_faults(sandbox: Sandbox, _: dict[str, Any]) -> Any:
    return {"faults": [str(fault) for fault in sandbox.faults.faults]}


def _clear_faults(sandbox: Sandbox, _: dict[str, Any]) -> Any:
    sandbox.faults.faults.clear()
    return _list_faults(sandbox, {})


def set_limits(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Change the plan: `{"minute": n, "day": n, "month": n, "credits_used": n}`, each optional."""
    values = _fields(body, "minute", "day", "month", "credits_used")
    for value in values:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise UsageError(f"{value!r} is not a whole number", hint='for example {"minute": 30}')
    minute, day, month, used = values
    sandbox.set_limits(minute=minute, day=day, month=month, used=used)
    return {"minute": sandbox.limits.minute, "day": sandbox.limits.day, "month": sandbox.limits.month}


def _usage(sandbox: Sandbox, _: dict[str, Any]) -> Any:
    return sandbox.usage()


_ACTIONS: dict[tuple[str, str], Callable[[Sandbox, dict[str, Any]], Any]] = {
    ("GET", "usage"): _usage,
    ("POST", "clock"): set_clock,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): add_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "limits"): set_limits,
}


def _json(http_status: int, value: Any) -> Reply:
    return Reply(http_status, (json.dumps(value, indent=2) + "\n").encode())
