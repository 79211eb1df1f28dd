"""The command that tunes fusions equally: `jcalib search`."""

from pathlib import Path
from typing import Annotated

import typer

from jcalib.cli.shared import (
    CorpusPath,
    Device,
    FeaturesPath,
    Out,
    PresetName,
    Seeds,
    Weights,
    checked,
    chosen_preset,
    reported,
)


def search(
    fusions: Annotated[str, typer.Argument(help="names with commas between")] = "joint,cross",
    trials: Annotated[int, typer.Option(min=1, help="of each fusion; more of them later go on")] = 20,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--space", metavar="NAME=RANGE", help="learning_rate=1e-4..1e-2, or dim=64/128; once a setting"),
    ] = None,
    preset: PresetName = "quick",
    seeds: Seeds = None,
    where: CorpusPath = "synthetic",
    own: FeaturesPath = "",
    weights: Weights = None,
    device: Device = "auto",
    out: Out = None,
) -> None:
    """Tune fusions equally on the selection persons: print every trial, write table and figure to --out, and compare
    the best ones on the report persons. An interrupted one goes on where it stopped."""
    chosen = chosen_preset(preset, weights, own)
    checked(where, device, own)
    from jcalib.files import check_writable, shown
    from jcalib.reporting.study_costs import search_lines
    from jcalib.reporting.values import check_fusions, names_of
    from jcalib.studies.search import check_preset
    from jcalib.studies.space import dimensions, read_space

    names, space = names_of(fusions, needed=True), read_space(ranges or [])
    check_fusions(names, [])
    check_preset(chosen, deals=not own)
    folder = (out or Path("search")).resolve()
    check_writable(folder)
    stated = dimensions(space)
    typer.echo("\n".join(search_lines(names, stated, trials, chosen, seeds, device, own or where)) + "\n")
    from jcalib import studies
    from jcalib.training import open_data

    with reported():
        found = studies.search(names, open_data(where, own, chosen, device), space, trials, seeds, chosen, device)
        written = found.write(folder)
    typer.echo(found.frame().drop(columns="run").to_string(index=False, float_format="%.4g"))
    typer.echo("\n" + "\n".join(found.sentences()))
    if {"joint", "cross"} <= set(names):
        typer.echo(f"Each at its best trial, on the report persons: {found.study().headline()}")
    typer.echo("\n".join(shown(path) for path in written))
