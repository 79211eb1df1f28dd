"""The command that compares fusions: `jcalib ablate`."""

from pathlib import Path
from typing import Annotated

import typer

from jcalib.cli.shared import CorpusPath, Device, FeaturesPath, Out, PresetName, Seeds, checked, numbers_of, reported
from jcalib.settings import Preset, UserError, choose
from jcalib.settings import preset as preset_of


def ablate(
    fusions: Annotated[str, typer.Argument(help="names with commas between; the preset's by default")] = "",
    cells: Annotated[bool, typer.Option("--cells", help="also the 24 cells between joint and vanilla")] = False,
    sizes: Annotated[
        str, typer.Option(help="also a learning curve at these numbers of training recordings, as 5,10,20")
    ] = "",
    regime: Annotated[str, typer.Option(help="what the embedded corpus' labels come from: mixed, redundant, ...")] = "",
    preset: PresetName = "quick",
    seeds: Seeds = None,
    where: CorpusPath = "synthetic",
    own: FeaturesPath = "",
    device: Device = "auto",
    out: Out = None,
) -> None:
    """Compare fusions: train what is missing, print the answer, write tables and figures to --out. An interrupted one
    goes on where it stopped."""
    chosen = _in_regime(preset_of(preset), regime, own or where)
    checked(where, device, own)
    from jcalib.files import shown
    from jcalib.fusion import cells as all_cells
    from jcalib.reporting.study_costs import ablation_lines
    from jcalib.reporting.values import check_compared

    check_compared(fusions)
    names = [name.strip() for name in fusions.split(",") if name.strip()] or list(chosen.fusions)
    compared, counts = [*names, *all_cells()] if cells else names, numbers_of(sizes)
    typer.echo("\n".join(ablation_lines(compared, chosen, seeds, device, own or where, counts)) + "\n")
    from jcalib import studies
    from jcalib.training import open_data

    folder = (out or Path("ablation")).resolve()
    with reported():
        features = open_data(where, own, chosen, device)
        studies.check_sizes(features, counts)
        study = studies.ablate(compared, features, seeds, chosen, device)
        written = study.write(folder)
        curve = studies.learning_curve(names, features, counts, seeds, chosen, device) if counts else None
    typer.echo(study.table().drop(columns=["beats_single", "joint_against"]).to_string(index=False))
    typer.echo(f"\n{study.headline()}\n{study.detectable()}")
    if curve:
        typer.echo(f"\n{curve.intervals().round(3).to_string(index=False)}")
        written.append(curve.write(folder))
    typer.echo("\n".join(shown(path) for path in written))


def _in_regime(chosen: Preset, regime: str, where: str) -> Preset:
    """Return the preset with its corpus in a regime, which only the embedded corpus has."""
    if not regime:
        return chosen
    if where != "synthetic":
        raise UserError(f"regime has {regime!r} and the data is {where!r}: only the embedded corpus has regimes.")
    from jcalib.corpora.synthetic.regimes import REGIMES

    return chosen.changed(corpus=chosen.corpus.changed(regime=choose(regime, REGIMES, "regime")))
