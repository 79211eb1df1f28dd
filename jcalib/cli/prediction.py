"""The command about new videos: `jcalib predict`."""

from pathlib import Path
from typing import Annotated

import typer

from jcalib.cli.shared import Device, reported


def predict(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO…", help="video or sound files, or folders of them")],
    run: Annotated[str, typer.Option(help="a run's folder or name, or a report's folder: its joint run")],
    out: Annotated[Path, typer.Option(help="folder to write to")] = Path("predictions"),
    device: Device = "auto",
) -> None:
    """Predict valence and arousal of videos: a table and an annotated video each, one page for all.

    A file that cannot be read is a row in failures.csv, and the exit code is 1; the others are done.
    """
    from jcalib.files import check_home, check_writable
    from jcalib.reporting.values import check_device

    check_device(device)
    check_home()
    check_writable(out)
    from jcalib.prediction import Predictor, predict_files
    from jcalib.prediction.files import find_videos
    from jcalib.prediction.predictor import find_run
    from jcalib.reporting.forecast import shown

    find_run(run)
    find_videos(videos, out)  # both say what is wrong before anything is loaded
    predictor = Predictor(run, device)
    typer.echo(f"run {predictor.origin}")
    for target, one in predictor.calibration.items():
        typer.echo(one.sentence(target))
    with reported():
        made = predict_files(predictor, videos, out)
    for entry in made.entries:
        typer.echo(f"{entry.video}: {' '.join([entry.facts + '.', *entry.notes])}")
    for failure in made.failures.itertuples():
        typer.echo(f"{failure.name}: {failure.what} ({failure.consequence})", err=True)
    typer.echo(shown(made.index.resolve()))
    raise typer.Exit(0 if made.failures.empty else 1)
