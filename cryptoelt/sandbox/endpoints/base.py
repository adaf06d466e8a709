"""What an endpoint of the sandbox is: a path, its parameters, its price, and the data it answers with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.sandbox.refusals import Refusal, bad_request

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.sandbox.accounts import Account, Limits
    from cryptoelt.sandbox.market.world import Market
    from cryptoelt.sandbox.parameters import Parameter


@dataclass(frozen=True)
class Asked:
    """A valid request, and everything an answer may depend on.

    Attributes:
        parameters: a value for every documented parameter.
        moment: unix seconds of the market's state, quantised to the endpoint's refresh interval.
        now: the sandbox's exact time.
    """

    parameters: dict[str, Any]
    market: Market
    moment: float
    now: datetime
    account: Account
    limits: Limits


@dataclass(frozen=True)
class Content:
    """What an endpoint answers: the data, its price by the rules, and what it adds to `status`."""

    data: Any
    credits: int = 1
    status: dict[str, object] = field(default_factory=dict)


class Endpoint(ABC):
    """One endpoint; registered in `cryptoelt.sandbox.endpoints`."""

    path: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    refresh: ClassVar[int] = 60
    """Seconds between two states of the data, as documented."""

    answers_list: ClassVar[bool] = False
    """Whether `data` holds records that can be repeated; see `records`."""

    tells_time: ClassVar[bool] = False
    """Whether its answers are stamped with the time of day, not with that of the market."""

    @property
    def name(self) -> str:
        """How the endpoint is spelt everywhere: the path without its version."""
        return self.path.removeprefix("/").partition("/")[2]

    @property
    def version(self) -> int:
        """The version in the path, which decides the envelope."""
        return int(self.path.split("/")[1].removeprefix("v"))

    @abstractmethod
    def answer(self, asked: Asked) -> Content:
        """Return the answer to a valid request.

        Raises:
            Refusal: the request makes no sense to the endpoint.
        """

    def records(self, data: Any) -> list[Any]:
        """Return the list of records inside `data`; it may be changed in place."""
        return data if isinstance(data, list) else [data]

    @staticmethod
    def unknown(parameter: str, value: object) -> Refusal:
        """Return the refusal of a value that names nothing there is."""
        return bad_request(f'Invalid value for "{parameter}": "{value}"')
