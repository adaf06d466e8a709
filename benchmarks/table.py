"""Tables of figures, for people: aligned text that also reads well in a file."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = [_line(row, widths) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    print("\n".join(["", title, "", *lines]))


def _line(row: list[str], widths: list[int]) -> str:
    first, *others = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def spread(values: Sequence[float], unit: str = "s") -> list[str]:
    """Return minimum, median and maximum as cells."""
    return [f"{value:.2f} {unit}".rstrip() for value in (min(values), median(values), max(values))]


def mebibytes(size: float) -> str:
    """Write a size in MiB."""
    return f"{size / 2**20:,.0f} MiB"
