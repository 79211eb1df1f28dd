"""What the commands share: options, and how progress is shown."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from jcalib import progress
from jcalib.settings import PRESETS, Preset, UserError
from jcalib.settings import preset as preset_of

PresetName = Annotated[str, typer.Option("--preset", help=f"settings to use: {', '.join(PRESETS)}")]
FeaturesPath = Annotated[str, typer.Option("--features", help="a folder of your own features, in place of a corpus")]
CorpusPath = Annotated[
    str, typer.Option("--corpus", help="'synthetic', or a folder in Aff-Wild2's layout or of own videos")
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        metavar="MODALITY=FILE",
        help="use an encoder as it is, as visual=i3d.pt: a file, or a name of jcalib weights list; once a modality",
    ),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="how many; the preset's number by default")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Smooth = Annotated[str, typer.Option(help="frames to average predictions over, as 20,50; none by default")]
Out = Annotated[Path | None, typer.Option(help="folder to write to")]


@contextmanager
def reported() -> Iterator[None]:
    """Draw bars in a terminal, print one line a stage elsewhere."""
    listener: progress.Listener = progress.Bars() if sys.stderr.isatty() else progress.Lines()
    with progress.listening(listener):
        yield


def checked(where: str, device: str, own: str = "") -> None:
    """Refuse a home that cannot be written to, a corpus or own features that are no folder, or a device that is not
    here, before any work."""
    from jcalib.files import check_home
    from jcalib.reporting.values import check_device, check_source

    check_home()
    check_source(where, own)
    check_device(device)


def chosen_preset(name: str, weights: list[str] | None, own: str = "") -> Preset:
    """Return a preset with the weights that were named.

    Raises:
        UserError: an unknown preset, or weights that no encoder takes.
    """
    if not weights:
        return preset_of(name)
    from jcalib.reporting.values import check_weights
    from jcalib.weights.choosing import check_fit, with_weights

    check_weights(name, weights, own)
    chosen = with_weights(name, weights)
    check_fit(chosen)
    return chosen


def widths_of(text: str) -> tuple[int, ...]:
    """Return the two widths of smoothing that a shell gives as "20,50"; () for none.

    Raises:
        UserError: it is something else.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if parts and not (len(parts) == 2 and all(part.isdecimal() and int(part) for part in parts)):
        raise UserError(f"smooth has {text!r}: it takes frames for valence and for arousal, as 20,50.")
    return tuple(map(int, parts))


def numbers_of(text: str) -> tuple[int, ...]:
    """Return the numbers of recordings that a shell gives as "5,10,20"; () for none.

    Raises:
        UserError: one is no number from 1 on.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not (part.isdecimal() and int(part)):
            raise UserError(f"sizes has {part!r}: it takes numbers of training recordings, as 5,10,20.")
    return tuple(map(int, parts))
