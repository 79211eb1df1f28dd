"""The command that explains a video: `jcalib explain`."""

from pathlib import Path
from typing import Annotated

import typer

from jcalib.cli.shared import reported
from jcalib.settings import UserError


def explain(
    video: Annotated[Path, typer.Argument(help="a video file")],
    runs: Annotated[
        list[str],
        typer.Option("--run", help="a run's folder or name, or a report's: its joint run; twice compares two"),
    ],
    out: Annotated[Path, typer.Option(help="the HTML file to write")] = Path("player.html"),
    seconds: Annotated[float, typer.Option(min=1, help="from the video's start")] = 60,
) -> None:
    """Write a player of one video: its face and sound with maps of what moved the predictions. It opens offline."""
    if out.is_dir():
        raise UserError(f"{out} is a folder: name the HTML file to write.")
    if out.suffix.lower() not in (".html", ".htm"):  # what is there, such as the video, would be written over
        raise UserError(f"--out has {out}: a player is an HTML file, so name one that ends in .html.")
    from jcalib.files import check_home, check_writable, shown

    check_home()
    check_writable(out.parent)
    from jcalib.explain import open_video, playback
    from jcalib.prediction import find_run
    from jcalib.views.player import Player, carried

    found = [find_run(run) for run in runs]
    fusions = [run.settings.fusion for run, _ in found]
    if twice := next((one for one in fusions if fusions.count(one) > 1), ""):
        raise UserError(f"runs are both of {twice}: name one run a fusion, such as one of joint and one of cross.")
    if len({(run.encoding, run.settings.features) for run, _ in found}) > 1:
        raise UserError("the runs were trained on different features: name runs that can be compared.")
    for run, origin in found:
        typer.echo(f"run {origin}; influence: as {run.reference.variation} vary")
    with reported():
        corpus, features = open_video(video, found[0][0], seconds)
        made = playback([run for run, _ in found], corpus, features, video.stem)
    typer.echo(f"maps: against a baseline ({made.baseline})\nshares: {carried(made)}")
    for (fusion, target), track in made.tracks.items():
        typer.echo(f"{fusion}, {target}: {track.sentence()}")
    path = Player(made).write(out)
    typer.echo(f"{shown(path.resolve())} ({made.times[-1] - made.times[0]:.1f} s, {path.stat().st_size / 1e6:.1f} MB)")
