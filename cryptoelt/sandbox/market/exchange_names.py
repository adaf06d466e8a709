"""Names of exchanges: plain ones, and the few odd ones that real lists hold."""

from __future__ import annotations

import re

from cryptoelt.sandbox.market.noise import uniform

#: name, slug: a name that two exchanges share, letters beyond ASCII, blanks at the end, marks, and a type's name.
ODD_EXCHANGES: tuple[tuple[str, str], ...] = (
    ("Tidewater", "tidewater"),
    ("Tidewater", "tidewater-sonic"),
    ("Équinoxe Échange", "equinoxe-echange"),
    ("NAN", "nan-exchange"),
    ("Blank Street ", "blank-street"),
    ("北极星交易所", "north-star-cn"),
    ("P&L Markets, Inc.", "p-l-markets"),
    ('The "Old" Exchange', "the-old-exchange"),
    ("42", "forty-two"),
    ("Høst Børs", "host-bors"),
    ("Solstice DEX", "solstice-dex"),
    ("Solstice DEX", "solstice-dex-base"),
)

_SUBJECTS = (
    "Anchorage", "Birchwood", "Cascade", "Dovetail", "Evergreen", "Foxglove", "Gullwing", "Hearth", "Inlet", "Jetty",
    "Keystone", "Lantern", "Marlin", "Northwind", "Oakmoss", "Paddock", "Quayside", "Redwood", "Sandbar", "Thistle",
    "Upland", "Vanguard", "Windmill", "Yardarm", "Zinnia", "Bluebell", "Copper", "Drumlin", "Estuary", "Firefly",
    "Gorse", "Heron",
)  # fmt: skip
_KINDS = (
    "Exchange", "Swap", "Swap V2", "Swap V3", "DEX", "Finance", "Pro", "Markets", "Global", "Trade", "Perpetuals",
    "Finance (Arbitrum)", "Swap (Polygon)", "Swap (BSC)", "Swap V3 (zkSync Era)", "Exchange (Base)", "AMM", "Futures",
    "Derivatives", "Swap (Avalanche)", "Coins", "Spot", "Bourse", "Pool", "CLMM", "Swap (Optimism)", "Broker", "Desk",
    "Swap (Sonic)", "One", "Exchange (Linea)",
)  # fmt: skip
_PLACES = len(_SUBJECTS) * len(_KINDS)
_STRIDE = 389  # a prime that divides nothing here, so that the walk meets every pair once


def exchange_name(seed: int, number: int) -> tuple[str, str]:
    """Return name and slug of a plain exchange; two numbers never share either."""
    series, number = divmod(number, _PLACES)
    place = (int(uniform(seed, "exchange names") * _PLACES) + number * _STRIDE) % _PLACES
    name = f"{_SUBJECTS[place % len(_SUBJECTS)]} {_KINDS[place // len(_SUBJECTS)]}"
    name = f"{name} {series + 1}" if series else name
    return name, re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
