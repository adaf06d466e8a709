"""Reading query parameters as strictly as the API: what is not documented is refused, and the refusal names it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from cryptoelt.sandbox.refusals import Refusal, bad_request

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = TypeVar("Row")


@dataclass(frozen=True)
class Parameter(ABC):
    """One documented parameter of an endpoint."""

    name: str

    @property
    def default(self) -> Any:
        """What an answer uses when the parameter is not sent."""
        return None

    @abstractmethod
    def read(self, text: str) -> Any:
        """Return the value of a text that was sent.

        Raises:
            Refusal: it is not valid; the message names the parameter.
        """

    def invalid(self, text: str, why: str = "") -> Refusal:
        """Return the refusal of a value."""
        return bad_request(f'Invalid value for "{self.name}": "{text}"' + (f" ({why})" if why else ""))


@dataclass(frozen=True)
class Whole(Parameter):
    """A whole number within bounds."""

    minimum: int
    maximum: int
    otherwise: int | None = None

    @property
    def default(self) -> int | None:
        """What is used when the parameter is not sent."""
        return self.otherwise

    def read(self, text: str) -> int:
        """Return the number."""
        if not re.fullmatch(r"[0-9]{1,18}", text) or not self.minimum <= int(text) <= self.maximum:
            raise self.invalid(text, f"must be a whole number from {self.minimum} to {self.maximum}")
        return int(text)


@dataclass(frozen=True)
class TextList(Parameter):
    """Values separated by commas, without blanks; each matches a pattern.

    Attributes:
        known: the values there are; None when any is taken.
    """

    pattern: str = r"[^,\s]+"
    most: int = 10_000
    known: frozenset[str] | None = None
    fallback: tuple[str, ...] = field(default=())

    @property
    def default(self) -> tuple[str, ...]:
        """What is used when the parameter is not sent."""
        return self.fallback

    def read(self, text: str) -> tuple[str, ...]:
        """Return the values in the order sent."""
        values = text.split(",")
        if len(values) > self.most:
            raise self.invalid(text, f"at most {self.most} values")
        for value in values:
            if not re.fullmatch(self.pattern, value) or (self.known is not None and value not in self.known):
                raise self.invalid(value)
        if len(set(values)) != len(values):
            raise self.invalid(text, "a value is repeated")
        return tuple(values)


@dataclass(frozen=True)
class Choice(Parameter):
    """One of some words; the first is used when the parameter is not sent, unless there is another default."""

    words: tuple[str, ...] = ()
    first: str | None = None

    @property
    def default(self) -> str:
        """What is used when the parameter is not sent."""
        return self.words[0] if self.first is None else self.first

    def read(self, text: str) -> str:
        """Return the word."""
        if text not in self.words:
            raise self.invalid(text, f"must be one of {', '.join(self.words)}")
        return text


@dataclass(frozen=True)
class Text(Parameter):
    """One text that matches a pattern."""

    pattern: str = r".+"

    def read(self, text: str) -> str:
        """Return the text."""
        if not re.fullmatch(self.pattern, text):
            raise self.invalid(text)
        return text


@dataclass(frozen=True)
class Number(Parameter):
    """A number within bounds."""

    minimum: float
    maximum: float

    def read(self, text: str) -> float:
        """Return the number."""
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", text):
            raise self.invalid(text, "must be a number")
        if not self.minimum <= float(text) <= self.maximum:
            raise self.invalid(text, f"must be a number from {self.minimum:g} to {self.maximum:g}")
        return float(text)


def flag(name: str) -> Choice:
    """Return a parameter that is `true` or `false`, and false when it is not sent."""
    return Choice(name, ("true", "false"), "false")


def aux(default: tuple[str, ...], more: tuple[str, ...] = ()) -> TextList:
    """Return the parameter that chooses fields: what is sent replaces the default list."""
    return TextList("aux", r"[a-z0-9_]+", known=frozenset({*default, *more}), fallback=default)


START = Whole("start", 1, 10**9, 1)


def paged(rows: Sequence[Row], values: dict[str, Any]) -> list[Row]:
    """Return the page that `start` and `limit` ask for; beyond the end it is empty."""
    first = values["start"] - 1
    return list(rows[first:] if values["limit"] is None else rows[first : first + values["limit"]])


def read_parameters(parameters: tuple[Parameter, ...], sent: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a value for every documented parameter.

    Raises:
        Refusal: one is unknown, repeated, empty or invalid.
    """
    documented = {parameter.name: parameter for parameter in parameters}
    values = {name: parameter.default for name, parameter in documented.items()}
    seen: set[str] = set()
    for name, text in sent:
        if name not in documented:
            raise bad_request(f'"{name}" is not allowed')
        if name in seen:
            raise bad_request(f'"{name}" must be sent once')
        if not text:
            raise bad_request(f'"{name}" is not allowed to be empty')
        seen.add(name)
        values[name] = documented[name].read(text)
    return values


def at_most_one(values: dict[str, Any], *names: str) -> None:
    """Refuse parameters that exclude each other.

    Raises:
        Refusal: more than one of them was sent.
    """
    sent = [name for name in names if values[name]]
    if len(sent) > 1:
        raise bad_request(f'"{sent[1]}" conflicts with "{sent[0]}": send one of them')
