"""`cryptoelt sandbox`: a local CoinMarketCap to develop and test against."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer

from cryptoelt.sandbox.faults import DISTORTIONS, KINDS, REFUSED_ID

_VALUES = "; ".join(
    f"{kind.name}{f'={kind.default}' if kind.default else ''}: {kind.what}"
    for kind in (*KINDS.values(), *DISTORTIONS.values(), REFUSED_ID)
    if kind.default is not None
)
_FAULT_HELP = (
    "What goes wrong, repeatable: a kind, then as needed =VALUE, @ENDPOINT, *TIMES (else for ever) and +SKIP (calls "
    f"let through first), e.g. http_500@key/info*2. Kinds: {', '.join([*KINDS, *DISTORTIONS, REFUSED_ID.name])}. "
    f"VALUE, with its default: {_VALUES}."
)


def sandbox(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 8765,
    seed: Annotated[int, typer.Option(help="Another seed is another market.")] = 1,
    fault: Annotated[list[str] | None, typer.Option(help=_FAULT_HELP, metavar="SPEC")] = None,
    world: Annotated[str, typer.Option(help="Size of the market: full, medium, small, or small-churn.")] = "full",
    speed: Annotated[float, typer.Option(help="Sandbox seconds in a real second.", min=0)] = 1.0,
    start: Annotated[str | None, typer.Option(help="The first moment, ISO 8601; default: now.")] = None,
    refresh: Annotated[int | None, typer.Option(help="Seconds between two market states.", min=1)] = None,
    credits_: Annotated[int, typer.Option("--credits", help="Credits of a month.", min=0)] = 15_000,
    minute_limit: Annotated[int, typer.Option(help="Requests of a clock minute.", min=1)] = 50,
    state: Annotated[Path | None, typer.Option(help="File that keeps the count of credits over restarts.")] = None,
) -> None:
    """Serve a local CoinMarketCap: real paths, prices, limits and errors, a synthetic market, faults on demand."""
    from cryptoelt.sandbox.process import serve_until_signalled
    from cryptoelt.sandbox.server import SandboxServer

    server = SandboxServer(
        seed=seed, world=world, port=port, start_time=start, speed=speed, refresh=refresh,
        minute_limit=minute_limit, monthly_credits=credits_, faults=fault or (), usage_file=state,
    )  # fmt: skip
    raise typer.Exit(serve_until_signalled(server, typer.echo))
