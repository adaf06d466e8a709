"""config.toml: read it, and name every key that is not a setting."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from cryptoelt.errors import ConfigurationError
from cryptoelt.wording import nearest

if TYPE_CHECKING:
    from pathlib import Path


def read_config_file(path: Path, model: type[BaseModel]) -> dict[str, Any]:
    """Return what config.toml says; {} where there is no such file.

    Raises:
        ConfigurationError: it cannot be read, is not TOML, or has a key that is not a setting.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"cannot read {path}: {exc}", hint="check the file's owner and encoding") from exc
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"{path} is not valid TOML: {exc}", hint="mend that line") from exc
    _reject_unknown(values, model, path, "")
    return values


def _reject_unknown(values: dict[str, Any], model: type[BaseModel], path: Path, prefix: str) -> None:
    known = [name for name in model.model_fields if not (prefix == "" and name == "home")]
    for name, value in values.items():
        if name not in known:
            raise ConfigurationError(
                f"unknown setting {prefix}{name} in {path}",
                hint=_meant(name, known, prefix),
                setting=f"{prefix}{name}",
            )
        inner = model.model_fields[name].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            if not isinstance(value, dict):
                raise ConfigurationError(
                    f"setting {prefix}{name} in {path} is a section, not a value",
                    hint=f"write [{prefix}{name}] and its settings below",
                    setting=f"{prefix}{name}",
                )
            _reject_unknown(value, inner, path, f"{prefix}{name}.")


def _meant(name: str, known: list[str], prefix: str) -> str:
    """Return a hint that names the nearest valid key, and all of them where the nearest is only a guess."""
    alike = nearest(name, known)
    if alike is not None:
        return f"did you mean {prefix}{alike}?"
    guess = nearest(name, known, alike=0.0)
    return f"valid here: {', '.join(known)}; nearest is {prefix}{guess}"
