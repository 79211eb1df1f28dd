"""The same verbs from a shell: `jcalib report`, `run`, `params`, `corpus`, `train`, `weights`, `submission`, `doctor`.

What the user wrote is checked before torch is imported; a mistake is one line and exit code 2. Progress goes to
standard error, results to standard output.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from jcalib import progress
from jcalib.settings import PRESETS, Preset, UserError, choose, widths_of
from jcalib.settings import preset as preset_of

app = typer.Typer(
    help="Does joint cross-attention fuse face and voice better than vanilla cross-attention?",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

UNSAID = (None, "", "synthetic", "auto")  # options' defaults, which are the chapters' own

PresetName = Annotated[str, typer.Option("--preset", help=f"settings to use: {', '.join(PRESETS)}")]
CorpusPath = Annotated[str, typer.Option("--corpus", help="'synthetic', or a folder in Aff-Wild2's layout")]
Seeds = Annotated[int | None, typer.Option(min=1, help="how many; the preset's number by default")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Smooth = Annotated[str, typer.Option(help="frames to average predictions over, as 20,50; none by default")]
Out = Annotated[Path | None, typer.Option(help="folder to write to")]


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
    fusions: Annotated[str, typer.Option(help="names with commas between; the preset's by default")] = "",
    seeds: Seeds = None,
    device: Device = "auto",
    smooth: Smooth = "",
    zero_fill: Annotated[
        bool, typer.Option("--zero-fill", help="say what the released code's scoring of unlabelled frames would claim")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="execute every chapter, also unchanged ones")] = False,
) -> None:
    """Build the corpus, train, and write the report; what is there already is used again."""
    preset_of(preset)
    widths_of(smooth)
    _checked(where, device)
    from jcalib.reporting.forecast import forecast, inputs_of, shown
    from jcalib.reporting.report import plan, write_report
    from jcalib.reporting.summary import summary
    from jcalib.reporting.values import check_compared

    check_compared(fusions)
    given = {"corpus": _corpus(where), "fusions": fusions, "seeds": seeds, "device": device}
    given |= {"smooth": smooth, "zero_fill": zero_fill or None}
    parameters: dict[str, Any] = {name: value for name, value in given.items() if value not in UNSAID}
    planned = plan(preset, out, **parameters)
    inputs = inputs_of(where, preset)
    typer.echo("\n".join(forecast(planned, inputs, fresh).lines()) + "\n")
    with _reported():
        made = write_report(preset, out, fresh=fresh, inputs=inputs, **parameters)
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
    from jcalib.files import home
    from jcalib.reporting import notebooks
    from jcalib.reporting.execute import run_chapter
    from jcalib.reporting.forecast import shown
    from jcalib.reporting.pages import write_page

    name = notebooks.find(chapter)
    given = notebooks.check(name, _pairs(parameters or []))
    folder = (out or home() / "scratch" / name).resolve()
    with _reported():
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


@app.command()
def corpus(
    action: Annotated[str, typer.Argument(help="list, check, or audit")] = "list",
    path: Annotated[str, typer.Argument(help="the same as --corpus")] = "",
    preset: PresetName = "quick",
    where: CorpusPath = "synthetic",
    device: Device = "auto",
    out: Out = None,
) -> None:
    """Build the embedded corpus, or read another: list its recordings; check it, which lists every problem and writes
    them as CSV (exit code 1 when a recording is lost); or audit it (exit code 1 when an audit fails)."""
    choose(action, ("list", "check", "audit"), "action on the corpus")
    chosen = preset_of(preset)
    where = path or where
    _checked(where, device)
    if action == "check":
        _check_corpus(where, chosen, out)
    from jcalib.corpora import open_corpus

    with _reported():
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
    from jcalib.files import home, shown

    with _reported():
        check = check_corpus(where, chosen)
    folder = (out or home() / "scratch" / f"check-{check.root.name}").resolve()
    written = check.write(folder / "problems.csv")
    if check.problems:
        typer.echo(check.table() + "\n")
    typer.echo("\n".join([*check.lines(), shown(written)]))
    raise typer.Exit(0 if check.usable else 1)


@app.command()
def train(
    fusion: Annotated[str, typer.Argument(help="name of a fusion")] = "joint",
    preset: PresetName = "quick",
    seeds: Seeds = None,
    where: CorpusPath = "synthetic",
    device: Device = "auto",
) -> None:
    """Train one fusion over its seeds; what is missing before it is made first."""
    chosen = preset_of(preset)
    _checked(where, device)
    from jcalib.corpora import open_corpus
    from jcalib.fusion import choose_fusion
    from jcalib.reporting.forecast import shown
    from jcalib.training import extract, fit

    choose_fusion(fusion)
    with _reported():
        features = extract(open_corpus(where, chosen), chosen, device)
        made = fit(fusion, features, seeds, chosen, device=device)
    typer.echo(made.frame().to_string(index=False))
    typer.echo(shown(made.folder))


weights = typer.Typer(help="Published weights: list the known files, fetch one by name, or check a file.")
app.add_typer(weights, name="weights")


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
    from jcalib.files import hash_file
    from jcalib.reporting.forecast import shown
    from jcalib.weights import KNOWN, fetch

    with _reported():
        path = fetch(name, sha256, unverified)
    verified = "" if KNOWN[name].sha256 or sha256 else ", which nobody vouches for"
    typer.echo(f"{shown(path)}, SHA-256 {hash_file(path)}{verified}; licence: {KNOWN[name].licence}")


@weights.command("check")
def check_weights(path: Annotated[str, typer.Argument(help="a file of weights, or the name of a known one")]) -> None:
    """Say which known file this is, and what it is weights of; exit code 2 where it does not load."""
    from jcalib.weights import check

    found = check(path)
    typer.echo(f"{found.path}\n" + "\n".join(f"  {line}" for line in found.lines()))


@app.command()
def submission(
    run: Annotated[str, typer.Option(help="a run's folder or name")],
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
    _checked(where, device)
    from jcalib.corpora import open_corpus
    from jcalib.files import shown
    from jcalib.submission import submit
    from jcalib.training import Run

    with _reported():
        made = submit(Run.load(run), open_corpus(where), template, out, widths, device)
    typer.echo("\n".join([*made.lines(), *(shown(one.resolve()) for one in made.files[:1])]))
    raise typer.Exit(1 if made.missing else 0)


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
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    if code == 130:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the cell that was cut off is no news
        _fail("interrupted; what is finished stays, the same command goes on.", 130)
    sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _reported() -> Iterator[None]:
    """Draw bars in a terminal, print one line a stage elsewhere."""
    listener: progress.Listener = progress.Bars() if sys.stderr.isatty() else progress.Lines()
    with progress.listening(listener):
        yield


def _corpus(where: str) -> str:
    """Return a corpus as a chapter can open it, whatever folder it runs in."""
    return where if where == "synthetic" else str(Path(where).expanduser().resolve())


def _checked(where: str, device: str) -> None:
    from jcalib.reporting.values import check_corpus, check_device

    check_corpus(where)
    check_device(device)


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for name, equals, _ in pairs:
        if not equals:
            raise UserError(f"-p has {name!r}: a parameter needs its value, as in -p seeds=3.")
    return {name.strip(): value for name, _, value in pairs}


def _fail(message: str, code: int) -> None:
    typer.echo(f"jcalib: {message}", err=True)
    sys.exit(code)
