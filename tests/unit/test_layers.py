"""Layers point one way: a module knows only what lies below it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import cryptoelt

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(cryptoelt.__file__).parent

#: From the bottom to the top; a name stands for a module, or for a package and all that is in it.
LAYERS: list[set[str]] = [
    {"errors", "plugins", "program", "version", "wording"},
    {"clock", "settings_environment", "settings_file", "settings_sections"},
    {"identity", "locks", "settings", "results", "tables", "logs", "jvm"},
    {"metadata"},
    {"lake", "machine"},
    {"api", "warehouse"},
    {"frequencies"},
    {"extract", "spark", "signals"},
    {"transform", "load", "quality"},
    {"pipeline"},
    # What sets a machine up, or looks at it, does so with the real parts.
    {"machine.checks", "machine.doctor", "machine.setup", "machine.training", "demo"},
    {"cli"},
    {"__main__"},
]

#: The sandbox stands beside the layers: what it would share with the program, both could get wrong alike.
SANDBOX = "sandbox"
SANDBOX_MAY_IMPORT = {"clock", "errors"}
MAY_IMPORT_SANDBOX = {"cli.sandbox", "demo", "machine.training"}


def module_of(path: Path) -> str:
    """Return a module's name below the package; that of the package itself is `version`, for that is all it has."""
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
    return name or "version"


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a module imports, wherever in it, also for the type checker alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in map(known_module, names) if name is not None)


def known_module(name: str) -> str | None:
    """Return the longest part of a dotted name that is a module of the package."""
    if name.split(".")[0] != PACKAGE.name:
        return None
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in MODULES:
            return ".".join(parts[:length])
    return "version"


def layer_of(module: str) -> int:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        for number, names in enumerate(LAYERS):
            if ".".join(parts[:length]) in names:
                return number
    pytest.fail(f"{module} has no place in LAYERS")


EDGES = sorted({(module, target) for module, path in MODULES.items() for target in imports_of(path)})


def test_imports_are_found() -> None:
    assert ("cli.phases", "pipeline.jobs") in EDGES
    assert ("locks", "errors") in EDGES
    assert ("pipeline.run", "results") in EDGES
    assert len(EDGES) > 200


def test_every_module_imports_only_what_lies_below_it() -> None:
    upward = [
        f"{module} imports {target}"
        for module, target in EDGES
        if SANDBOX not in (module.split(".")[0], target.split(".")[0])
        and layer_of(target) >= layer_of(module)
        and not (layer_of(target) == layer_of(module) and module.split(".")[0] == target.split(".")[0])
    ]

    assert upward == []


def test_nothing_but_the_entry_point_imports_the_command_line() -> None:
    importers = {module for module, target in EDGES if target.split(".")[0] == "cli"}

    assert {module for module in importers if module.split(".")[0] != "cli"} == {"__main__"}


def test_only_what_starts_a_sandbox_imports_it() -> None:
    importers = {module for module, target in EDGES if target.split(".")[0] == SANDBOX}

    assert {module for module in importers if module.split(".")[0] != SANDBOX} == MAY_IMPORT_SANDBOX


def test_the_sandbox_shares_nothing_with_the_client_it_judges() -> None:
    imported = {target for module, target in EDGES if module.split(".")[0] == SANDBOX}

    assert {name for name in imported if name.split(".")[0] != SANDBOX} <= SANDBOX_MAY_IMPORT


def test_no_two_modules_import_each_other_at_the_start() -> None:
    started = {module: set(imports_at_start(path)) for module, path in MODULES.items()}
    mutual = [(one, other) for one in started for other in started[one] if one < other and one in started[other]]

    assert mutual == []


def imports_at_start(path: Path) -> Iterator[str]:
    """Yield the modules that are imported when a module is, leaving out what only the type checker reads."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield from filter(None, (known_module(f"{node.module}.{alias.name}") for alias in node.names))


HEAVY = {"pyspark", "pandas", "pyarrow", "sqlalchemy", "deltalake", "alembic", "psycopg2", "delta", "pgpq"}


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[0] == "cli"])
def test_the_command_line_imports_nothing_heavy_at_the_start(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    names = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}

    assert not {name for name in names if name.split(".")[0] in HEAVY}
