"""Names of coins: the few everybody knows, those that break naive code, and thousands of plain ones."""

from __future__ import annotations

import re

from cryptoelt.sandbox.market.noise import uniform

#: id, name, symbol, slug: coins that every market has, because other coins live on their chains.
KNOWN: tuple[tuple[int, str, str, str], ...] = (
    (1, "Bitcoin", "BTC", "bitcoin"),
    (1027, "Ethereum", "ETH", "ethereum"),
    (825, "Tether", "USDT", "tether"),
    (52, "XRP", "XRP", "xrp"),
    (1839, "BNB", "BNB", "bnb"),
    (5426, "Solana", "SOL", "solana"),
    (3408, "USDC", "USDC", "usd-coin"),
    (74, "Dogecoin", "DOGE", "dogecoin"),
    (1958, "TRON", "TRX", "tron"),
    (2010, "Cardano", "ADA", "cardano"),
    (5805, "Avalanche", "AVAX", "avalanche"),
    (6535, "NEAR Protocol", "NEAR", "near-protocol"),
)

#: name, symbol: each breaks something (the guessing of types, a separator, an encoding, a length, a trimmed blank).
ODD: tuple[tuple[str, str], ...] = (
    ("Not A Number", "NAN"),
    ("Infinity Path", "INF"),
    ("Trueness", "TRUE"),
    ("Nilpotent", "NIL"),
    ("Double Zero", "00"),
    ("Answer", "42"),
    ("Triple Eight", "888"),
    ("Watermelon Sugar", "$WATERMELONSUGARHIGHS+A"),
    ("lower case coin", "usdq"),
    ("Comma, Inc.", "CO,MMA"),
    ("Moon 🌕 Mission", "🚀"),
    ("金狗", "金狗"),
    ("Trailing Blanks  ", "TRAIL"),
    ("Doubled  Blank", "DBL"),
    ("R&amp;D", "R&amp;D"),
    ("Zero\u200bWidth", "ZW\u200bJ"),
    ('Said "no"; wasn\'t', "Q'T"),
    ("Bitcoin", "BTC"),
    ("NULL", "NULL"),
    ("None", "None"),
    ("Dash Only", "-"),
    ("1e5", "1E5"),
    ("Two Words", "TWO WORDS"),
    ("عملة", "عملة"),
)

_FIRST = (
    "Amber", "Argon", "Astra", "Atlas", "Axiom", "Beacon", "Bolt", "Breeze", "Carbon", "Cedar", "Cipher", "Comet",
    "Coral", "Crater", "Delta", "Dune", "Echo", "Eclipse", "Falcon", "Fern", "Flint", "Flux", "Frost", "Gamma", "Glade",
    "Grove", "Halo", "Helix", "Horizon", "Ion", "Ivory", "Jade", "Karma", "Lotus", "Lumen", "Lynx", "Maple", "Matrix",
    "Mint", "Mosaic", "Nectar", "Neon", "Noble", "Nova", "Oasis", "Onyx", "Orbit", "Otter", "Panda", "Pearl", "Pixel",
    "Plasma", "Prism", "Pulse", "Quill", "Radar", "Raven", "Ripple", "River", "Rover", "Salsa", "Shiba", "Sierra",
    "Signal", "Slate", "Solar", "Spark", "Sphinx", "Stone", "Summit", "Tango", "Terra", "Tiger", "Topaz", "Turbo",
    "Vapor", "Vault", "Velvet", "Vertex", "Violet", "Vortex", "Wave", "Whale", "Wizard", "Xylo", "Yeti", "Zebra",
    "Zenith", "Zircon",
)  # fmt: skip
_SECOND = (
    "AI", "Ape", "Bank", "Bit", "Bridge", "Cash", "Cat", "Chain", "Coin", "DAO", "Dog", "Dollar", "Exchange", "Farm",
    "Finance", "Frog", "Game", "Gold", "Grid", "Inu", "Labs", "Link", "Market", "Meme", "Network", "Node", "Pay",
    "Protocol", "Realm", "Share", "Stake", "Swap", "Token", "USD", "Verse", "World", "X", "Yield",
)  # fmt: skip
_THIRD = ("", "V2", "Classic", "Pro", "One", "Plus", "Max", "Lite", "Prime")
_COMBINATIONS = len(_FIRST) * len(_SECOND) * len(_THIRD)
_STRIDE = 7919  # a prime that divides nothing here, so that the walk meets every combination once
_VOWELS = re.compile("[aeiou]")
_SHARED_SYMBOLS = 500


def plain_coin(seed: int, number: int) -> tuple[str, str]:
    """Return name and symbol of a plain coin: two numbers never share a name, but may share a symbol."""
    series, number = divmod(number, _COMBINATIONS)
    place = (int(uniform(seed, "coin names") * _COMBINATIONS) + number * _STRIDE) % _COMBINATIONS
    place, first = divmod(place, len(_FIRST))
    third, second = divmod(place, len(_SECOND))
    words = [_FIRST[first], _SECOND[second], _THIRD[third], str(series + 1) if series else ""]
    name = " ".join(word for word in words if word)
    chance = uniform(seed, "symbol", name)
    if chance < 0.002:
        return name, "BTC"
    if chance < 0.15:
        return name, _letters(seed, "shared", int(chance / 0.15 * _SHARED_SYMBOLS))
    if chance < 0.16:
        return name, f"{words[0][:3].lower()}{words[1].upper()}"
    if chance < 0.165:
        return name, f"${name.replace(' ', '').upper()}"
    short = (
        words[0][0] + _VOWELS.sub("", words[0][1:])[:2] + words[1][0] + _letters(seed, name)[: 1 + len(words[2]) % 2]
    )
    return name, short.upper()


def _letters(seed: int, *parts: object) -> str:
    number = int(uniform(seed, "letters", *parts) * 26**4)
    return "".join(chr(ord("A") + number // 26**place % 26) for place in range(3 + number % 2))


def slug_of(name: str, coin_id: int, *, plain: bool) -> str:
    """Return a slug: of the name alone where nobody shares it, else with the id."""
    words = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    return words if plain else f"{words or 'coin'}-{coin_id}"
