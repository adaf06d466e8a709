"""The chains that tokens live on, and the addresses they have there."""

from __future__ import annotations

from dataclasses import dataclass

from cryptoelt.sandbox.market.noise import digest, uniform

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

#: What stands where an address should be, now and then.
_NO_ADDRESSES = (
    "aim", "2032", "lovelace", "31", " 0x2f141ce366a2462f02cea3d12cf93e4dca49e4fd", "native",
    "https://explorer.example/token/0x2f141ce366a2462f02cea3d12cf93e4dca49e4fd?chain=main&view=holders&page=1",
)  # fmt: skip


@dataclass(frozen=True)
class Chain:
    """A chain.

    Attributes:
        number: the number the map gives it, which is no coin's id.
        coin_id: its own coin, by which the listings name it.
    """

    number: int
    coin_id: int
    name: str
    symbol: str
    slug: str
    base58: bool = False


@dataclass(frozen=True)
class Platform:
    """Where a token lives."""

    chain: Chain
    token_address: str

    def record(self, platform_id: int | str) -> dict[str, object]:
        """Return the platform as the API sends it; what its `id` means differs between endpoints."""
        chain = self.chain
        return {
            "id": platform_id,
            "name": chain.name,
            "symbol": chain.symbol,
            "slug": chain.slug,
            "token_address": self.token_address,
        }


#: The chains, and the share of the tokens each has.
CHAINS: tuple[tuple[Chain, float], ...] = (
    (Chain(1, 1027, "Ethereum", "ETH", "ethereum"), 0.36),
    (Chain(14, 1839, "BNB Smart Chain (BEP20)", "BNB", "bnb"), 0.24),
    (Chain(16, 5426, "Solana", "SOL", "solana", base58=True), 0.24),
    (Chain(199, 27716, "Base", "-", "base"), 0.1),
    (Chain(60, 6535, "Near", "NEAR", "near-protocol"), 0.02),
    (Chain(28, 5805, "Avalanche C-Chain", "AVAX", "avalanche"), 0.02),
    (Chain(32, 5805, "Avalanche X-Chain", "AVAX", "avalanche-x"), 0.02),
)
_TOKENS = 0.72

#: Coins everybody knows that live on a chain of others: two stable ones.
ON_ETHEREUM = frozenset({825, 3408})


def platform_by_chance(seed: int, coin_id: int, turn: int = 0) -> Platform | None:
    """Return where a coin lives: nowhere else for one with a chain of its own."""
    chance = uniform(seed, "platform", coin_id, turn) / _TOKENS
    if coin_id in ON_ETHEREUM:
        return Platform(CHAINS[0][0], address_on(CHAINS[0][0], seed, coin_id))
    if chance >= 1:
        return None
    for chain, share in CHAINS:
        if chance < share:
            return Platform(chain, address_on(chain, seed, coin_id, turn))
        chance -= share
    return Platform(CHAINS[0][0], address_on(CHAINS[0][0], seed, coin_id, turn))


def address_on(chain: Chain, seed: int, *parts: object) -> str:
    """Return a token's address on a chain; now and then it is none."""
    chance = uniform(seed, "address", chain.number, *parts)
    if chance < 0.004:
        return _NO_ADDRESSES[int(chance / 0.004 * len(_NO_ADDRESSES))]
    raw = digest(seed, "contract", chain.number, *parts) + digest(seed, "more", chain.number, *parts)
    if chain.base58:
        return "".join(_BASE58[byte % 58] for byte in (raw * 2)[:44])
    text = raw.hex()[:40]
    if chance < 0.5:
        return f"0x{text}"
    return "0x" + "".join(
        letter.upper() if turn % 3 == int(chance * 1000) % 3 else letter for turn, letter in enumerate(text)
    )
