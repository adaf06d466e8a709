"""Tables of figures, for people: aligned text that also reads well in a file."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; columns of figures to the right."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    places = range(len(columns))
    widths = [max(len(row[place]) for row in cells) for place in places]
    figures = [all(row[place][:1].isdigit() or row[place] == "-" for row in cells[1:]) for place in places]
    lines = [
        "  ".join(
            row[place].rjust(widths[place]) if figures[place] else row[place].ljust(widths[place]) for place in places
        )
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    print("\n".join(["", title, "", *(line.rstrip() for line in lines)]))


def spread(values: Sequence[float], unit: str = "s") -> list[str]:
    """Return minimum, median and maximum as cells."""
    return [f"{value:.2f} {unit}".rstrip() for value in (min(values), median(values), max(values))]


def mebibytes(size: float) -> str:
    """Write a size in MiB."""
    return f"{size / 2**20:,.0f} MiB"
