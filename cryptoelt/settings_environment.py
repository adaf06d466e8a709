"""Variables of the environment and of .env: each CRYPTOELT_ name must be a setting, each line of .env be readable."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, get_origin

from dotenv.parser import parse_stream
from pydantic import BaseModel

from cryptoelt.errors import ConfigurationError
from cryptoelt.wording import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PREFIX = "CRYPTOELT_"
#: Names of ours that are read elsewhere than in the settings.
_OTHERS = ("CRYPTOELT_HOME",)


def check_variables(names: Iterable[str], model: type[BaseModel], place: str) -> None:
    """Refuse a name that begins like one of ours and is no setting: it would be ignored without a word.

    Args:
        names: of variables that have a value, in any case.
        model: the settings.
        place: where the variables are, for the message.

    Raises:
        ConfigurationError: one is no setting; its value is not shown.
    """
    known = [*_OTHERS, *_variables(model)]
    for name in sorted(names):
        spelt = name.upper()
        if spelt.startswith(PREFIX) and spelt not in known and not _is_entry(spelt, model):
            raise ConfigurationError(
                f"variable {spelt} (from {place}): there is no such setting", hint=_meant(spelt, known), setting=spelt
            )


def check_env_file(path: Path, text: str) -> None:
    """Refuse a line of .env that is no assignment: whoever reads the file would pass over it without a word.

    Raises:
        ConfigurationError: there is one; its number is told, not what it holds.
    """
    for binding in parse_stream(io.StringIO(text)):
        written = binding.original.string.lstrip()
        undefined = binding.key is not None and binding.value is None and not written.startswith("export")
        if binding.error or undefined:
            above = binding.original.string[: len(binding.original.string) - len(written)]
            number = binding.original.line + len(re.findall(r"\r\n|\n|\r", above))
            raise ConfigurationError(
                f"{path}, line {number}: not of the form NAME=value",
                hint="mend that line; a value with blanks or quotes stands between quotes, a comment begins with #",
                line=number,
            )


def _variables(model: type[BaseModel]) -> Iterator[str]:
    """Yield the variables of all sections, each of which may also be given whole, as JSON."""
    for section, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield f"{PREFIX}{section.upper()}"
            yield from (f"{PREFIX}{section.upper()}__{name.upper()}" for name in field.annotation.model_fields)


def _is_entry(variable: str, model: type[BaseModel]) -> bool:
    """Tell whether a variable is one entry of a setting that is a table."""
    section, _, rest = variable.removeprefix(PREFIX).lower().partition("__")
    name, separator, entry = rest.partition("__")
    field = model.model_fields.get(section)
    inner = getattr(field.annotation, "model_fields", {}).get(name) if field else None
    return bool(separator and entry) and inner is not None and get_origin(inner.annotation) is dict


def _meant(variable: str, known: list[str]) -> str:
    """Return a hint that names the nearest variable; what all have in common makes none of them alike."""
    ends = {name.removeprefix(PREFIX): name for name in known}
    typed = variable.removeprefix(PREFIX)
    alike = nearest(typed, ends)
    if alike is not None:
        return f"did you mean {ends[alike]}?"
    guess = ends[nearest(typed, ends, alike=0.0) or "HOME"]
    return f"a setting is {PREFIX}SECTION__NAME, see config.toml for all; nearest is {guess}"
