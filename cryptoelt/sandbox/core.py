"""The sandbox without its sockets: decides what a request is answered, and counts it at that moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.sandbox.accounts import Account, Limits, Usage, account_name, month_of
from cryptoelt.sandbox.damage import damage
from cryptoelt.sandbox.endpoints import ENDPOINTS
from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.envelope import as_body, envelope, error_envelope
from cryptoelt.sandbox.faults import REFUSED_ID, Fault, FaultList, Stage
from cryptoelt.sandbox.market.times import api_time
from cryptoelt.sandbox.parameters import read_parameters
from cryptoelt.sandbox.refusals import Refusal, bad_request, refusal
from cryptoelt.sandbox.replies import NO_SUCH_PATH, RESET, Reply, Request, badly_sent, gateway_page
from cryptoelt.sandbox.served import ServedList, UsageFile

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.sandbox.clock import SandboxClock
    from cryptoelt.sandbox.market.world import Market


#: Faults that pass over a parameter -> what it then is.
_IGNORED: dict[str, dict[str, Any]] = {"ignored_start": {"start": 1}, "ignored_limit": {"limit": None}}


@dataclass
class Call:
    """A request on its way to a reply, with what is known of it so far."""

    request: Request
    now: datetime
    endpoint: Endpoint | None = None
    account: str | None = None
    fault: Fault | None = None
    records: int | None = None


class Sandbox:
    """All that a sandbox knows. Every public method may be called from any thread.

    Args:
        accepted_keys: the only keys that are known; None knows every key but the refused ones.
        refused_keys: keys that are unknown to the API (1001).
        usage_file: keeps the count over restarts.
    """

    def __init__(
        self,
        market: Market,
        clock: SandboxClock,
        limits: Limits,
        *,
        refresh: int | None = None,
        accepted_keys: Collection[str] | None = None,
        refused_keys: Collection[str] = ("unknown",),
        usage_file: Path | None = None,
    ) -> None:
        self.lock = RLock()
        self.clock = clock
        self.limits = limits
        self.faults = FaultList()
        self.served = ServedList()
        self._market = market
        self._refresh = refresh
        self._accepted_keys = accepted_keys
        self._refused_keys = refused_keys
        self._accounts: dict[str, Account] = {}
        self._used_by_new_accounts: int | None = None
        self._statuses: Counter[str] = Counter()
        self._usage_file = UsageFile(usage_file) if usage_file else None
        for at, account, endpoint, charged in self._usage_file.charges() if self._usage_file else ():
            self._account(account).restore(endpoint, charged, at, limits)

    def answer(self, request: Request) -> Reply:
        """Decide what a request is answered; it is counted and charged when this returns, sent or not."""
        with self.lock:
            call = Call(request, self.clock.now())
            try:
                reply = self._decide(call)
            except Refusal as refused:
                version = call.endpoint.version if call.endpoint else 1
                body = as_body(error_envelope(version, call.now, refused.error_code, refused.message))
                reply = Reply(refused.http_status, body, error_code=refused.error_code)
            self._record(call, reply)
            return reply

    def _decide(self, call: Call) -> Reply:
        request = call.request
        if request.shows_key:
            raise Refusal(401, 1002, "The API key belongs in the header X-CMC_PRO_API_KEY, never in the URL.")
        call.endpoint = ENDPOINTS.get(request.path)
        if call.endpoint is None:
            return NO_SUCH_PATH
        if request.method != "GET":
            raise refusal(405)
        account = self._authenticated(call)
        account.count_request(call.now, self.limits)
        asked = self._asked(call, call.endpoint, account)
        content = call.endpoint.answer(asked)
        account.require_credits(content.credits, call.now, self.limits)
        ids = request.ids()
        call.fault = self.faults.take(call.endpoint.name, answers_list=call.endpoint.answers_list, ids=ids)
        if call.fault and call.fault.kind is REFUSED_ID:
            raise bad_request(f'Invalid value for "id": "{call.fault.value or ids[0]}"')
        if call.fault and call.fault.kind.name in _IGNORED:
            content = call.endpoint.answer(
                replace(asked, parameters={**asked.parameters, **_IGNORED[call.fault.kind.name]})
            )
        return self._spoilt(call, call.endpoint, content)

    def _authenticated(self, call: Call) -> Account:
        key = call.request.key
        if not key:
            raise refusal(1002)
        if key in self._refused_keys or (self._accepted_keys is not None and key not in self._accepted_keys):
            raise refusal(1001)
        call.account = account_name(key)
        return self._account(call.account)

    def _account(self, name: str) -> Account:
        if name not in self._accounts:
            self._accounts[name] = Account()
            if self._used_by_new_accounts is not None:
                self._accounts[name].set_used(self._used_by_new_accounts, self.clock.now(), self.limits)
        return self._accounts[name]

    def _asked(self, call: Call, endpoint: Endpoint, account: Account) -> Asked:
        parameters = read_parameters(endpoint.parameters, call.request.query)
        moment = call.now.timestamp()
        every = self._refresh or endpoint.refresh
        state = moment // every * every if every else moment
        return Asked(parameters, self._market, state, call.now, account, self.limits)

    def _spoilt(self, call: Call, endpoint: Endpoint, content: Content) -> Reply:
        fault = call.fault
        name = fault.kind.name if fault else ""
        if fault and fault.kind.stage is Stage.REFUSAL:
            raise refusal(int(name.rpartition("_")[2]))
        if fault and fault.kind.stage is Stage.GATEWAY:
            return gateway_page(int(name.removeprefix("http_")))
        if name == "reset":
            return RESET
        if name == "error_in_200":
            body = as_body(error_envelope(endpoint.version, call.now, 500, refusal(500).message))
            return Reply(200, body, error_code=500)
        credits_charged = content.credits + (int(fault.value) if fault and name == "bad_price" else 0)
        payload = envelope(endpoint.version, call.now, content, credits_charged)
        if endpoint.tells_time:
            payload["status"]["timestamp"] = api_time(self.clock.time_of_day().timestamp())
        if fault:
            damage(name, fault.value, payload, endpoint, is_named=fault.endpoint is not None)
        reply = Reply(200, as_body(payload), credits=credits_charged)
        call.records = len(endpoint.records(payload["data"])) if payload.get("data") else 0
        return badly_sent(reply, fault) if fault and fault.kind.stage is Stage.SENDING else reply

    def _record(self, call: Call, reply: Reply) -> None:
        endpoint = call.endpoint.name if call.endpoint else call.request.path
        self._statuses[str(reply.http_status) if reply.http_status else "reset"] += 1
        if call.account:
            self._account(call.account).record(endpoint, reply.credits, call.now, self.limits)
            if self._usage_file:
                self._usage_file.append(call.now, call.account, endpoint, reply.credits)
        self.served.add(
            reply.body,
            call.now,
            endpoint=endpoint,
            path=call.request.path,
            account=call.account,
            parameters=call.request.parameters(),
            http_status=reply.http_status,
            error_code=reply.error_code,
            credits=reply.credits,
            records=call.records,
            fault=call.fault.what if call.fault else None,
        )

    def usage(self) -> dict[str, Any]:
        """Return what was answered and charged in this credit month, together and by key, and how often each status."""
        with self.lock:
            now = self.clock.now()
            keys = {name: account.usage(now, self.limits) for name, account in sorted(self._accounts.items())}
            together = sum(keys.values(), Usage({}))
            return {
                "now": iso(now),
                "month": month_of(now, self.limits.reset_day),
                **together.as_json(),
                "by_status": dict(sorted(self._statuses.items())),
                "keys": {name: used.as_json() for name, used in keys.items()},
            }

    def set_limits(
        self, *, minute: int | None = None, day: int | None = None, month: int | None = None, used: int | None = None
    ) -> None:
        """Change the plan; `used` is how many credits of this month every key shall have used, here or elsewhere."""
        with self.lock:
            self.limits.minute = self.limits.minute if minute is None else minute
            self.limits.day = self.limits.day if day is None else day
            self.limits.month = self.limits.month if month is None else month
            if used is not None:
                self._used_by_new_accounts = used
                for account in self._accounts.values():
                    account.set_used(used, self.clock.now(), self.limits)
