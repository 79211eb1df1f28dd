"""Commands about corpora: `jcalib corpus` lists, checks and audits one, `jcalib submission` predicts its test set."""

from pathlib import Path
from typing import Annotated

import typer

from jcalib.cli.shared import (
    CorpusPath,
    Device,
    Out,
    PresetName,
    Smooth,
    Weights,
    checked,
    chosen_preset,
    reported,
    widths_of,
)
from jcalib.settings import Preset, choose


def corpus(
    action: Annotated[str, typer.Argument(help="list, check, or audit")] = "list",
    path: Annotated[str, typer.Argument(help="the same as --corpus")] = "",
    preset: PresetName = "quick",
    where: CorpusPath = "synthetic",
    weights: Weights = None,
    device: Device = "auto",
    out: Out = None,
) -> None:
    """Build the embedded corpus, or read another: list its recordings; check it, which lists every problem and writes
    them as CSV (exit code 1 when a recording is lost); or audit it (exit code 1 when an audit fails)."""
    choose(action, ("list", "check", "audit"), "action on the corpus")
    chosen = chosen_preset(preset, weights)
    where = path or where
    checked(where, device)
    if action == "check":
        _check_corpus(where, chosen, out)
    from jcalib.corpora import open_corpus

    with reported():
        opened = open_corpus(where, chosen)
        if action == "audit":
            from jcalib.studies import audit_corpus
            from jcalib.training import extract

            audits = audit_corpus(opened, extract(opened, chosen, device), chosen)
    typer.echo((audits if action == "audit" else opened).frame().to_string(index=False))
    typer.echo(f"{len(opened.recordings)} recordings in {opened.root}")
    if action == "audit" and not audits.hold:
        raise typer.Exit(1)


def _check_corpus(where: str, chosen: Preset, out: Path | None) -> None:
    """Check a corpus; its problems also go to `problems.csv`, in the scratch folder by default."""
    from jcalib.corpora.check import check_corpus
    from jcalib.files import check_writable, home, shown

    if out:
        check_writable(out)
    with reported():
        check = check_corpus(where, chosen)
    folder = (out or home() / "scratch" / f"check-{check.root.name}").resolve()
    written = check.write(folder / "problems.csv")
    if check.problems:
        typer.echo(check.table() + "\n")
    typer.echo("\n".join([*check.lines(), shown(written)]))
    raise typer.Exit(0 if check.usable else 1)


def submission(
    run: Annotated[str, typer.Option(help="a run's folder or name, or a report's folder: its joint run")],
    template: Annotated[Path, typer.Option(help="the organisers' file or folder, or a list of names")],
    where: Annotated[str, typer.Option("--corpus", help="a folder in Aff-Wild2's layout with a test set")],
    out: Annotated[Path, typer.Option(help="folder to write to")],
    smooth: Smooth = "",
    device: Device = "auto",
) -> None:
    """Predict the test set and write a challenge's file; each time is counted in the run's folder.

    Exit code 1 when a video of the template has no prediction.
    """
    widths = widths_of(smooth)
    checked(where, device)
    from jcalib.files import check_writable, shown

    check_writable(out)
    from jcalib.corpora import open_corpus
    from jcalib.prediction.predictor import find_run
    from jcalib.submission import submit

    found, origin = find_run(run)
    with reported():
        made = submit(found, open_corpus(where), template, out, widths, device)
    typer.echo("\n".join([f"run       {origin}", *made.lines(), *(shown(one.resolve()) for one in made.files[:1])]))
    raise typer.Exit(1 if made.missing else 0)
