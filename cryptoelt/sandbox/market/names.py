"""Names of categories: plain ones, and those that break naive code."""

from __future__ import annotations

from cryptoelt.sandbox.market.noise import uniform

#: Each breaks something: an encoding, a separator, a quote, a length, a trimmed blank, or the guessing of types.
ODD_NAMES = (
    "去中心化交易所",
    "🚀 Moon Missions 🌕",
    'Said "safe"; it wasn\'t',
    "Wrapped, Pegged, and Bridged",
    "Trailing Blanks  ",
    "R&amp;D &lt;Labs&gt; Tokens",
    "$WATERMELONSUGARHIGHS+A",
    "NAN",
    "TRUE",
    "NULL",
    "INF",
    "00",
    "Zero\u200bWidth Joiners",
    " Leading  and  doubled",
    "C:\\new\\tables",
    "'); DROP TABLE categories;--",
    "اقتصاد المبدعين",
    "42",
    "Tab\tand line\nbreak",
    "NIL",
)

#: Two plain names that every world has.
PLAIN_NAMES = ("Layer 1", "Memes")

_SUBJECTS = (
    "Aurora", "Basalt", "Cobalt", "Driftwood", "Ember", "Fjord", "Granite", "Harbor", "Indigo", "Juniper", "Kestrel",
    "Lagoon", "Meridian", "Nimbus", "Obsidian", "Prairie", "Quartz", "Rimefrost", "Saffron", "Tundra", "Umbra",
    "Verdant", "Willow", "Xenon", "Yarrow", "Zephyr",
)  # fmt: skip
_KINDS = (
    "Ecosystem", "Portfolio", "Launchpad", "Standard", "Storage", "Lending", "Oracles", "Gaming Guild", "Layer 2",
    "Liquid Staking", "Index", "Wallets", "Insurance",
)  # fmt: skip


def plain_name(seed: int, number: int) -> str:
    """Return the plain name of a category; two numbers below 338 never share one."""
    offset = int(uniform(seed, "names") * len(_SUBJECTS) * len(_KINDS))
    place = (offset + number * 37) % (len(_SUBJECTS) * len(_KINDS))
    series = number // (len(_SUBJECTS) * len(_KINDS))
    name = f"{_SUBJECTS[place % len(_SUBJECTS)]} {_KINDS[place // len(_SUBJECTS)]}"
    return name if series == 0 else f"{name} {series + 1}"
