"""Finds the classes of a package, so that a new extractor or domain is one new file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TypeVar

_T = TypeVar("_T")


def subclasses_in(package: str, base: type[_T], named_by: str) -> list[type[_T]]:
    """Import every module of a package and return the subclasses of `base` in it that say what `named_by` is."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{package}.{module.name}")
    found, waiting = [], [base]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if cls.__module__.startswith(f"{package}.") and hasattr(cls, named_by):
                found.append(cls)
    return found
