"""How a running pipeline tells what it is doing; the command line decides how that looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptoelt.results import Unit


class Progress(Protocol):
    """Told when a unit begins and ends."""

    def begun(self, unit: Unit) -> None:
        """A unit begins."""

    def ended(self, unit: Unit) -> None:
        """A unit ended."""


class Silent:
    """Shows nothing."""

    def begun(self, unit: Unit) -> None:
        """Do nothing."""

    def ended(self, unit: Unit) -> None:
        """Do nothing."""
