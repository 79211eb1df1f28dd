"""The same verbs from a shell: `jcalib report`, `run`, `params`, `corpus`, `train`, `ablate`, `search`, `predict`, ...

What the user wrote is checked before torch is imported; a mistake is one line and exit code 2. Progress goes to
standard error, results to standard output.
"""

import errno
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jcalib.cli.ablation import ablate
from jcalib.cli.corpora import corpus, submission
from jcalib.cli.explaining import explain
from jcalib.cli.prediction import predict
from jcalib.cli.searching import search
from jcalib.cli.shared import (
    CorpusPath,
    Device,
    FeaturesPath,
    Out,
    PresetName,
    Seeds,
    Smooth,
    Weights,
    checked,
    chosen_preset,
    reported,
    widths_of,
)
from jcalib.cli.weights import weights
from jcalib.settings import UserError

app = typer.Typer(
    help="Does joint cross-attention fuse face and voice better than vanilla cross-attention?",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

UNWRITABLE = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS, errno.EDQUOT)
UNSAID = (None, "", "synthetic", "auto")  # options' defaults, which are the chapters' own


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Print the help where no command is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def report(
    preset: PresetName = "quick",
    out: Out = None,
    where: CorpusPath = "synthetic",
    own: FeaturesPath = "",
    given_weights: Weights = None,
    fusions: Annotated[str, typer.Option(help="names with commas between; the preset's by default")] = "",
    seeds: Seeds = None,
    device: Device = "auto",
    smooth: Smooth = "",
    zero_fill: Annotated[
        bool, typer.Option("--zero-fill", help="say what the released code's scoring of unlabelled frames would claim")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="chapters at a time after the first two; 2 where there are 2 cores"),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="execute every chapter, also unchanged ones")] = False,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="print the whole plan, settings with sources; start nothing")
    ] = False,
) -> None:
    """Build the corpus, train, and write the report; what is there already is used again."""
    chosen = chosen_preset(preset, given_weights, own)
    widths_of(smooth)
    checked(where, device, own)
    from jcalib.reporting.forecast import forecast, inputs_of, shown, weights_of
    from jcalib.reporting.report import plan, write_report
    from jcalib.reporting.summary import summary
    from jcalib.reporting.values import check_compared
    from jcalib.weights.choosing import spelled

    check_compared(fusions)
    given: dict[str, Any] = {"corpus": _absolute(where), "features": _absolute(own), "fusions": fusions, "seeds": seeds}
    given |= {"device": device, "smooth": smooth, "zero_fill": zero_fill or None}
    given |= {"weights": spelled(chosen) if given_weights else None}
    parameters = {name: value for name, value in given.items() if value not in UNSAID}
    planned = plan(preset, out, **parameters)
    with reported():  # a user's corpus is opened here, and its faces are found
        inputs = inputs_of(where, preset, own, faces=not dry)
    if not own:
        inputs |= weights_of(planned.preset, needed=not dry)
    told = forecast(planned, inputs, fresh)
    if dry:
        from jcalib.reporting.dry_run import dry_run

        typer.echo("\n".join(dry_run(told, where, own)))
        return
    typer.echo("\n".join(told.lines()) + "\n")
    with reported():
        made = write_report(preset, out, fresh=fresh, inputs=inputs, jobs=jobs, **parameters)
    typer.echo("\n" + summary(made))
    typer.echo(f"{shown(made.index)} ({made.seconds:.0f} s)")
    raise typer.Exit(made.exit_code)


@app.command()
def run(
    chapter: Annotated[str, typer.Argument(help="name, number or word of a chapter: 4_ablation, 4, ablation")],
    parameters: Annotated[list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="a parameter")] = None,
    out: Out = None,
) -> None:
    """Execute one chapter."""
    from jcalib.files import check_home, check_writable, home
    from jcalib.reporting import notebooks
    from jcalib.reporting.execute import run_chapter
    from jcalib.reporting.forecast import shown
    from jcalib.reporting.pages import write_page

    check_home()
    name = notebooks.find(chapter)
    given = notebooks.check(name, _pairs(parameters or []))
    folder = (out or home() / "scratch" / name).resolve()
    check_writable(folder)
    with reported():
        result = run_chapter(name, given, folder)
    assert result.notebook
    typer.echo(shown(write_page(result.notebook, folder, folder.name)))
    if result.error:
        _fail(f"{name} {result.status}: {result.error}", result.exit_code)


@app.command()
def params(chapter: Annotated[str, typer.Argument(help="name, number or word; all chapters by default")] = "") -> None:
    """List the parameters that a chapter takes."""
    from jcalib.reporting import notebooks
    from jcalib.reporting.summary import columns

    for name in [notebooks.find(chapter)] if chapter else notebooks.chapters():
        rows = [(one.name, one.type, repr(one.default), one.help) for one in notebooks.inspect(name)]
        typer.echo(f"{name}: {notebooks.question(notebooks.read(name))}\n{columns(rows)}\n")


app.command()(corpus)


@app.command()
def train(
    fusion: Annotated[str, typer.Argument(help="name of a fusion")] = "joint",
    preset: PresetName = "quick",
    seeds: Seeds = None,
    where: CorpusPath = "synthetic",
    own: FeaturesPath = "",
    given_weights: Weights = None,
    device: Device = "auto",
) -> None:
    """Train one fusion over its seeds; what is missing before it is made first."""
    chosen = chosen_preset(preset, given_weights, own)
    checked(where, device, own)
    from jcalib.fusion import choose_fusion
    from jcalib.reporting.forecast import shown
    from jcalib.training import fit, open_data

    choose_fusion(fusion)
    with reported():
        features = open_data(where, own, chosen, device)
        made = fit(fusion, features, seeds, chosen, device=device)
    typer.echo(made.frame().to_string(index=False))
    if made.settings.training.practice:
        typer.echo(f"All numbers are {made.settings.training.practice}.")
    typer.echo(shown(made.folder))


app.command()(ablate)
app.command()(search)
app.command()(predict)
app.command()(explain)
app.command()(submission)
app.add_typer(weights, name="weights")


@app.command()
def doctor() -> None:
    """Say what is missing and how to mend it; exit code 1 when something needed is missing."""
    from jcalib.doctor import examine
    from jcalib.reporting.summary import columns

    diagnosis = examine()
    typer.echo(columns((row.state, row.what, row.found) for row in diagnosis.rows))
    for row in diagnosis.rows:
        if row.mend:
            typer.echo(f"{row.what}: {row.mend}")
    typer.echo("everything that is needed is here." if diagnosis.well else "something needed is missing.")
    raise typer.Exit(0 if diagnosis.well else 1)


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        _fail(" ".join(error.format_message().split()), 2)
    except UserError as error:
        _fail(str(error), 2)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        _fail(f"{error.filename or 'a file'} cannot be written: {error.strerror}.", 1)
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    if code == 130:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the cell that was cut off is no news
        _fail("interrupted; what is finished stays, the same command goes on.", 130)
    sys.exit(code if isinstance(code, int) else 0)


def _absolute(where: str) -> str:
    """Return a folder as a chapter can open it, whatever folder it runs in."""
    return where if where in UNSAID else str(Path(where).expanduser().resolve())


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for name, equals, _ in pairs:
        if not equals:
            raise UserError(f"-p has {name!r}: a parameter needs its value, as in -p seeds=3.")
    return {name.strip(): value for name, _, value in pairs}


def _fail(message: str, code: int) -> None:
    typer.echo(f"jcalib: {message}", err=True)
    sys.exit(code)
