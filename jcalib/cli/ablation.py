"""The command that compares fusions: `jcalib ablate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    numbers_of,
    reported,
)
from jcalib.settings import Preset, UserError, choose

if TYPE_CHECKING:
    from jcalib.corpora import Corpus
    from jcalib.features import Features
    from jcalib.studies import Study

LEVELS = ("features", "signal")


def ablate(
    fusions: Annotated[str, typer.Argument(help="names with commas between; the preset's by default")] = "",
    cells: Annotated[bool, typer.Option("--cells", help="also the 24 cells between joint and vanilla")] = False,
    sizes: Annotated[
        str, typer.Option(help="also a learning curve at these numbers of training recordings, as 5,10,20")
    ] = "",
    corrupt: Annotated[
        str, typer.Option(help="also with a modality made worse: 'features', or 'signal' for pictures and sound too")
    ] = "",
    modality_dropout: Annotated[
        float, typer.Option(help="also trained without voice or face in this share of sequences, and compared so")
    ] = 0.0,
    regime: Annotated[str, typer.Option(help="what the embedded corpus' labels come from: mixed, redundant, ...")] = "",
    preset: PresetName = "quick",
    seeds: Seeds = None,
    where: CorpusPath = "synthetic",
    own: FeaturesPath = "",
    weights: Weights = None,
    device: Device = "auto",
    out: Out = None,
) -> None:
    """Compare fusions: train what is missing, print the answer, write tables and figures to --out. An interrupted one
    goes on where it stopped."""
    chosen = _in_regime(chosen_preset(preset, weights, own), regime, own or where)
    if not 0 <= modality_dropout < 1:
        raise UserError(f"modality-dropout has {modality_dropout:g}: it is a share from 0 to below 1, such as 0.2.")
    level = _level(corrupt, modality_dropout, own)
    checked(where, device, own)
    from jcalib.files import check_writable, shown
    from jcalib.fusion import cells as all_cells
    from jcalib.reporting.study_costs import ablation_lines
    from jcalib.reporting.values import check_compared, names_of

    check_compared(fusions)
    folder = (out or Path("ablation")).resolve()
    check_writable(folder)
    names = names_of(fusions) or list(chosen.fusions)
    compared, counts = [*names, *all_cells()] if cells else names, numbers_of(sizes)
    if not own and where == "synthetic":
        _check_sizes(counts, chosen)
    typer.echo("\n".join(ablation_lines(compared, chosen, seeds, device, own or where, counts)) + "\n")
    from jcalib import studies
    from jcalib.corpora import open_corpus
    from jcalib.training import open_data

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
    if level:
        corpus = open_corpus(where, chosen) if level == "signal" else None
        written += _corrupted(study, names, features, corpus, chosen, modality_dropout, device, folder)
    typer.echo("\n".join(shown(path) for path in written))


def _corrupted(
    study: "Study",
    names: list[str],
    features: "Features",
    corpus: "Corpus | None",
    chosen: Preset,
    share: float,
    device: str,
    folder: Path,
) -> list[Path]:
    """Evaluate a study under corruption, and beside it what was trained with modality dropout where that is asked."""
    from jcalib import studies
    from jcalib.views import style
    from jcalib.views.robustness import plot_gains

    if corpus:
        typer.echo(f"\n{studies.signal_cost(corpus, features, device)}")
    with reported():
        found = studies.robustness(study, features, device=device, corpus=corpus)
    summary = found.summary().pivot(index="kind", columns="fusion", values="relative")
    typer.echo(f"\nCCC on average along each curve of corruption\n{summary.round(3).to_string()}\n{found.said()}")
    written = [found.write(folder)]
    if share:
        typer.echo(f"\n{studies.dropout_cost(study, names)}")
        with reported():
            again = studies.with_modality_dropout(study, names, features, share, chosen, device)
            gains = studies.robustness(again, features, device=device, corpus=corpus).against(found)
        table = gains.pivot(index="kind", columns="fusion", values="gain").round(3)
        typer.echo(f"\nWhat modality dropout of {share:g} adds to it\n{table.to_string()}")
        written.append(style.save(plot_gains(gains), folder, "modality-dropout", gains))
    return written


def _check_sizes(counts: tuple[int, ...], chosen: Preset) -> None:
    """Refuse sizes above what the embedded corpus will have, which the preset says before anything is rendered."""
    there = chosen.corpus.split.fusion
    if wrong := next((count for count in counts if count > there), 0):
        raise UserError(f"sizes has {wrong}: the preset {chosen.name} trains on {there} recordings, take 1 to {there}.")


def _level(corrupt: str, modality_dropout: float, own: str) -> str:
    """Return at which level is corrupted, "" for none; what was trained without a modality is compared so too."""
    level = choose(corrupt, LEVELS, "corrupt") if corrupt else "features" * bool(modality_dropout)
    if level == "signal" and own:
        raise UserError(f"corrupt has 'signal' and the data is {own!r}, features: give a corpus, or corrupt features.")
    return level


def _in_regime(chosen: Preset, regime: str, where: str) -> Preset:
    """Return the preset with its corpus in a regime, which only the embedded corpus has."""
    if not regime:
        return chosen
    if where != "synthetic":
        raise UserError(f"regime has {regime!r} and the data is {where!r}: only the embedded corpus has regimes.")
    from jcalib.corpora.synthetic.regimes import REGIMES

    return chosen.changed(corpus=chosen.corpus.changed(regime=choose(regime, REGIMES, "regime")))
