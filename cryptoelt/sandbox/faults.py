"""Faults on demand: what can go wrong, how it is spelt, and which call it strikes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from cryptoelt.errors import UsageError
from cryptoelt.sandbox.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Collection


class Stage(Enum):
    """The part of an answer that a fault spoils."""

    REFUSAL = "an error answer with an envelope; never charged"
    GATEWAY = "an error page of something in front of the API; never charged"
    SENDING = "the sending of a good answer"
    PAYLOAD = "the envelope or the data of a good answer"
    RECORDS = "one or some of the records of an answer that is a list"


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        default: the value a spec without `=VALUE` means; None when the kind takes none, "" when it may be left out.
    """

    name: str
    stage: Stage
    what: str
    default: str | None = None

    @property
    def needs_list(self) -> bool:
        """Whether it makes sense only where the data is a list of records."""
        return self.stage is Stage.RECORDS


_REFUSED = (
    (400, 400), (401, 1001), (401, 1002), (402, 1003), (402, 1004), (403, 1005), (403, 1006), (403, 1007), (404, 404),
    (429, 1008), (429, 1009), (429, 1010), (429, 1011), (429, 1022), (500, 500),
)  # fmt: skip

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *(
            Kind(f"http_{status}" if status == code else f"http_{status}_{code}", Stage.REFUSAL, f"error {code}")
            for status, code in _REFUSED
        ),
        *(Kind(f"http_{status}", Stage.GATEWAY, "an HTML page without an envelope") for status in (403, 502, 503, 504)),
        Kind("slow", Stage.SENDING, "a good answer after VALUE seconds", "5"),
        Kind("reset", Stage.SENDING, "the connection is reset without an answer; not charged"),
        Kind("reset_charged", Stage.SENDING, "the connection is reset without an answer; charged"),
        Kind("cut_off", Stage.SENDING, "half of the body, then the connection closes; charged"),
        Kind("html", Stage.SENDING, "HTTP 200 with an HTML page; charged"),
        Kind("empty_body", Stage.SENDING, "HTTP 200 with no body; charged"),
        Kind("empty_data", Stage.PAYLOAD, "HTTP 200, code 0, data [] or {}"),
        Kind("error_in_200", Stage.PAYLOAD, "HTTP 200 with error code 500; not charged"),
        Kind("no_data", Stage.PAYLOAD, "no data key"),
        Kind("no_status", Stage.PAYLOAD, "no status key"),
        Kind("bad_price", Stage.PAYLOAD, "charged VALUE credits more than the rule says", "2"),
        Kind(
            "wrong_type", Stage.PAYLOAD, "wrong types in some records, or in the field VALUE, or ID.FIELD, of them", ""
        ),
        Kind(
            "missing_field",
            Stage.PAYLOAD,
            "fields dropped in some records, or the field VALUE, or ID.FIELD, of them",
            "",
        ),
        Kind("unknown_field", Stage.PAYLOAD, "fields that nobody documented"),
        Kind("nan_token", Stage.PAYLOAD, "a bare NaN in one record"),
        Kind("nul_in_text", Stage.PAYLOAD, "an escaped NUL in a text of one record"),
        Kind("lone_surrogate", Stage.PAYLOAD, "half of an escaped surrogate pair in a text of one record"),
        Kind("duplicate_record", Stage.RECORDS, "one record twice"),
        Kind("conflicting_duplicate", Stage.RECORDS, "one id twice, with different values"),
        Kind("null_record", Stage.RECORDS, "a null among the records"),
    )
}

#: Strikes only requests by id, so it is none of the kinds that any call can meet: every request whose `id` names VALUE
#: is refused, until the fault is lifted; without a value every request by id.
REFUSED_ID = Kind("refused_id", Stage.REFUSAL, "error 400 for each request that asks for the id VALUE", "")

#: Answers that are well-formed, and cannot be right.
DISTORTIONS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ignored_start", Stage.PAYLOAD, "every page is the first: the list never ends"),
        Kind("ignored_limit", Stage.PAYLOAD, "every page goes to the end of the list"),
        Kind("short_list", Stage.RECORDS, "no more than the first VALUE records", "3"),
        Kind("all_missing", Stage.PAYLOAD, "the field VALUE dropped in all records", "id"),
        Kind("all_text", Stage.PAYLOAD, "the field VALUE sent as text in all records", "id"),
    )
}

_SPEC = re.compile(
    r"(?P<kind>[a-z0-9_]+)(=(?P<value>[\w.-]+))?(@(?P<endpoint>[a-z0-9/-]+))?"
    r"(?P<counts>([*+][0-9]+)*)"
)
_SHAPE = "KIND=VALUE@ENDPOINT*TIMES+SKIP, all but KIND optional, for example http_500@cryptocurrency/categories*2"


@dataclass
class Fault:
    """A fault that waits for calls.

    Attributes:
        endpoint: the endpoint's name; None strikes every endpoint.
        times: calls still to strike; None strikes for ever.
        skip: calls still to let through first.
    """

    kind: Kind
    endpoint: str | None = None
    times: int | None = None
    skip: int = 0
    value: str = ""

    def __post_init__(self) -> None:
        if self.kind.default is None and self.value:
            raise UsageError(f"the fault {self.kind.name} takes no value", hint=_SHAPE)
        self.value = self.value or self.kind.default or ""
        if self.kind.name == "slow" and not re.fullmatch(r"\d+(\.\d+)?", self.value):
            raise UsageError(f"slow={self.value} is not a number of seconds", hint=_SHAPE)
        if self.kind.name == "short_list" and not re.fullmatch(r"\d+", self.value):
            raise UsageError(f"short_list={self.value} is not a number of records", hint=_SHAPE)
        if self.kind.name == "bad_price" and not re.fullmatch(r"\d+", self.value):
            raise UsageError(f"bad_price={self.value} is not a number of credits", hint=_SHAPE)
        self._check_endpoint()

    def _check_endpoint(self) -> None:
        if self.endpoint is None:
            return
        known = {endpoint.name: endpoint for endpoint in ENDPOINTS.values()}
        if self.endpoint not in known:
            raise UsageError(f"the sandbox has no endpoint {self.endpoint!r}", hint=f"one of: {', '.join(known)}")
        if self.kind.needs_list and not known[self.endpoint].answers_list:
            lists = ", ".join(name for name, endpoint in known.items() if endpoint.answers_list)
            raise UsageError(
                f"{self.endpoint} answers one object, so {self.kind.name} has no records to spoil",
                hint=f"use it with: {lists}",
            )

    def strikes(self, endpoint: str, *, answers_list: bool) -> bool:
        """Tell whether the fault is meant for calls of an endpoint."""
        return self.endpoint in {None, endpoint} and (answers_list or not self.kind.needs_list)

    def refuses(self, ids: Collection[str]) -> bool:
        """Tell whether the fault lets a request for these ids pass to what it does."""
        return self.kind is not REFUSED_ID or (self.value in ids if self.value else bool(ids))

    @property
    def what(self) -> str:
        """The spec without its counts."""
        value = f"={self.value}" if self.value else ""
        return f"{self.kind.name}{value}{f'@{self.endpoint}' if self.endpoint else ''}"

    def __str__(self) -> str:
        """Write the fault as a spec, with what is left of its counts."""
        times = "" if self.times is None else f"*{self.times}"
        return f"{self.what}{times}{f'+{self.skip}' if self.skip else ''}"


def kind_named(name: str) -> Kind:
    """Return a kind of fault.

    Raises:
        UsageError: there is no such kind.
    """
    known = {**KINDS, **DISTORTIONS, REFUSED_ID.name: REFUSED_ID}
    if name not in known:
        raise UsageError(f"unknown fault {name!r}", hint=f"one of: {', '.join(known)}")
    return known[name]


def parse_fault(spec: str) -> Fault:
    """Read a spec `KIND[=VALUE][@ENDPOINT][*TIMES][+SKIP]`.

    Raises:
        UsageError: it is not one, or names an unknown kind or endpoint.
    """
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise UsageError(f"{spec!r} is not a fault", hint=_SHAPE)
    counts = re.findall(r"([*+])([0-9]+)", found["counts"])
    signs = [sign for sign, _ in counts]
    if len(set(signs)) != len(signs):
        raise UsageError(f"{spec!r} says twice how often", hint=_SHAPE)
    numbers = {sign: int(number) for sign, number in counts}
    return Fault(
        kind_named(found["kind"]), found["endpoint"], numbers.get("*"), numbers.get("+", 0), found["value"] or ""
    )


@dataclass
class FaultList:
    """The faults that wait, oldest first."""

    faults: list[Fault] = field(default_factory=list)

    def take(self, endpoint: str, *, answers_list: bool, ids: Collection[str] = ()) -> Fault | None:
        """Return the fault that strikes this call, if any; every fault meant for it counts the call.

        Args:
            endpoint: the endpoint's name.
            answers_list: whether its answer has records that can be repeated.
            ids: the ids that the request names.
        """
        struck: Fault | None = None
        for fault in self.faults:
            if not (fault.strikes(endpoint, answers_list=answers_list) and fault.refuses(ids)):
                continue
            if fault.skip:
                fault.skip -= 1
            elif struck is None and fault.times != 0:
                struck = fault
                fault.times = None if fault.times is None else fault.times - 1
        self.faults = [fault for fault in self.faults if fault.times != 0]
        return struck
