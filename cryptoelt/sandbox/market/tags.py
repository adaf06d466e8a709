"""The tags of coins: slug, name and group of each."""

from __future__ import annotations

from typing import NamedTuple


class Tag(NamedTuple):
    """A tag."""

    slug: str
    name: str
    group: str


_WORDS: dict[str, tuple[str, ...]] = {
    "ALGORITHM": ("PoW", "PoS", "SHA-256", "Scrypt", "Ethash", "X11", "Hybrid PoW/PoS", "DPoS"),
    "INDUSTRY": (
        "Medium of Exchange", "Enterprise Solutions", "Payments", "Energy", "Logistics", "Health", "Education",
        "Real Estate", "Sports", "Music", "Tourism", "Content Creation",
    ),
    "PLATFORM": ("Ethereum Ecosystem", "BNB Chain Ecosystem", "Solana Ecosystem", "Base Ecosystem", "NEAR Ecosystem"),
    "CATEGORY": (
        "DeFi", "Memes", "Gaming", "AI & Big Data", "Layer 1", "Layer 2", "Oracles", "Storage", "Privacy", "Staking",
        "Wrapped Tokens", "Stablecoin", "Tokenized Gold", "Real World Assets Protocols", "Yield Farming", "DAO",
        "Lending", "Derivatives", "Launchpad", "Metaverse", "Collectibles & NFTs", "Insurance", "Prediction Markets",
        "Social Money", "Identity", "Interoperability", "Zero Knowledge Proofs", "Filesharing", "Perpetuals", "AMM",
        "Cat-Themed", "Dog-Themed", "2017/18 Alt season",
    ),
    "OTHERS": ("Mineable", "Made in America"),
}  # fmt: skip


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


TAGS: tuple[Tag, ...] = tuple(Tag(_slug(name), name, group) for group, names in _WORDS.items() for name in names)
