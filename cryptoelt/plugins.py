"""Finds the classes of a package, so that a new extractor or domain is one new file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TypeVar

_T = TypeVar("_T")


def subclasses_in(package: str, base: type[_T]) -> list[type[_T]]:
    """Import every module of a package and return the direct subclasses of `base` that they define."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{package}.{module.name}")
    return [cls for cls in base.__subclasses__() if cls.__module__.startswith(f"{package}.")]
