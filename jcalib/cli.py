"""The same verbs from a shell: `jcalib report`, `corpus`, `train`, `params`, `run`, `doctor`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from jcalib import progress
from jcalib.settings import PRESETS, UserError
from jcalib.settings import preset as preset_of

UsageError = typer.BadParameter.__bases__[0]  # of click, or of the click inside typer

app = typer.Typer(
    help="Does joint cross-attention fuse face and voice better than vanilla cross-attention?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
corpora = typer.Typer(help="Build or check the corpus.", invoke_without_command=True, rich_markup_mode=None)
app.add_typer(corpora, name="corpus")

PresetName = Annotated[str, typer.Option("--preset", help=f"settings to use: {', '.join(PRESETS)}")]
CorpusPath = Annotated[str, typer.Option("--corpus", help="'synthetic', or a folder in Aff-Wild2's layout")]


@contextmanager
def _reported() -> Iterator[None]:
    """Draw bars in a terminal, print one line a stage elsewhere."""
    listener: progress.Listener = progress.Bars() if sys.stderr.isatty() else progress.Lines()
    with progress.listening(listener):
        yield


@corpora.callback()
def corpus(context: typer.Context, preset: PresetName = "quick", where: CorpusPath = "synthetic") -> None:
    """Build the embedded corpus, or read another, and list its recordings."""
    if context.invoked_subcommand:
        return
    from jcalib.corpora import open_corpus

    with _reported():
        opened = open_corpus(where, preset)
    typer.echo(opened.frame().to_string(index=False))
    typer.echo(f"{len(opened.recordings)} recordings in {opened.root}")


@corpora.command()
def audit(preset: PresetName = "quick", where: CorpusPath = "synthetic") -> None:
    """Check that the corpus is what it says; exit code 1 when an audit fails."""
    import jcalib as jca
    from jcalib.studies import audit_corpus

    with _reported():
        opened = jca.open_corpus(where, preset)
        audits = audit_corpus(opened, jca.extract(opened, preset), preset)
    typer.echo(audits.frame().to_string(index=False))
    if not audits.hold:
        raise typer.Exit(1)


@app.command()
def train(
    fusion: Annotated[str, typer.Argument(help="name of a fusion")] = "joint",
    preset: PresetName = "quick",
    seeds: Annotated[int | None, typer.Option(help="how many; the preset's number by default")] = None,
    where: CorpusPath = "synthetic",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
) -> None:
    """Train one fusion over its seeds; what is missing before it is made first."""
    import jcalib as jca
    from jcalib.fusion import FUSIONS
    from jcalib.settings import choose

    choose(fusion, FUSIONS, "fusion")
    chosen = preset_of(preset)
    with _reported():
        features = jca.extract(jca.open_corpus(where, chosen), chosen, device)
        run = jca.fit(fusion, features, seeds, chosen, device=device)
    typer.echo(run.frame().to_string(index=False))
    typer.echo(f"run {run.folder.name}")


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except UsageError as error:
        _fail(error.format_message().replace("\n", " "), 2)
    except UserError as error:
        _fail(str(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted; what is finished stays, the same command goes on.", 130)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    typer.echo(f"jcalib: {message}", err=True)
    sys.exit(code)
