"""Commands about published weights: `jcalib weights list`, `fetch` and `check`."""

from typing import Annotated

import typer

from jcalib.cli.shared import reported

weights = typer.Typer(help="Published weights: list the known files, fetch one by name, or check a file.")


@weights.command("list")
def list_weights() -> None:
    """List the public files that the kit can use: what for, source, licence, size, SHA-256, and whether it is here."""
    from jcalib.weights import KNOWN
    from jcalib.weights.known import described

    for known in KNOWN.values():
        typer.echo("\n".join(described(known)))


@weights.command("fetch")
def fetch_weights(
    name: Annotated[str, typer.Argument(help="of a known file: jcalib weights list")],
    sha256: Annotated[str, typer.Option(help="the checksum that you know, where the kit knows none")] = "",
    unverified: Annotated[bool, typer.Option("--unverified", help="take what comes, where nobody knows one")] = False,
) -> None:
    """Fetch a known file; an interrupted one goes on where it stopped, a wrong one is removed."""
    from jcalib.files import check_home, hash_file
    from jcalib.reporting.forecast import shown
    from jcalib.weights import KNOWN, fetch

    check_home()
    with reported():
        path = fetch(name, sha256, unverified)
    verified = "" if KNOWN[name].sha256 or sha256 else ", which nobody vouches for"
    typer.echo(f"{shown(path)}, SHA-256 {hash_file(path)}{verified}; licence: {KNOWN[name].licence}")


@weights.command("check")
def check_weights(path: Annotated[str, typer.Argument(help="a file of weights, or the name of a known one")]) -> None:
    """Say which known file this is, and what it is weights of; exit code 2 where it does not load."""
    from jcalib.weights import check

    found = check(path)
    typer.echo(f"{found.path}\n" + "\n".join(f"  {line}" for line in found.lines()))
