"""The player: one HTML file that plays a recording with its maps, offline, without a kernel.

Face with heat map, spectrogram with its own, predicted and true values, modality share and episodes, one playhead.
"""

import base64
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.explain.methods import AT_A_LAYER
from jcalib.explain.playback import FRAME_S, SPECTRA
from jcalib.files import replacing
from jcalib.settings import UserError
from jcalib.views.corpus import EPISODES, TARGETS, hertz_name, mel_band
from jcalib.views.heat import DARK, DOWN, LIGHT, UP, colour_ends
from jcalib.views.shares import LEAST
from jcalib.views.style import colour, dashes

if TYPE_CHECKING:
    from jcalib.explain import Playback

TEMPLATES = Path(__file__).parent / "templates"
HEIGHT = 760  # of a frame that shows it, CSS pixels
MOST_MB = 10
_HERTZ = (500, 1000, 2000, 4000, 8000)
_PLAIN = {"float64": "float64", "int64": "int32", "bool": "uint8"}  # what a browser has no array of, or less of


class Player:
    """A playback as a page; in a notebook it shows itself in a frame.

    Args:
        playback: from `explain.playback`.

    Attributes:
        page: the whole document.

    Raises:
        UserError: it would be larger than 10 MB.
    """

    def __init__(self, playback: "Playback") -> None:
        self.name = playback.name
        self.page = player_page(playback)
        size = len(self.page.encode()) / 1e6
        if size > MOST_MB:
            raise UserError(
                f"the player of {playback.name} has {size:.1f} MB: it has to stay under {MOST_MB}. "
                "Explain a shorter stretch, or one fusion."
            )

    def write(self, path: str | Path) -> Path:
        """Write the file, whole."""
        path = Path(path)
        with replacing(path) as beside:
            beside.write_text(self.page, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        source, title = html.escape(self.page), html.escape(f"{self.name}, frame by frame")
        return f'<iframe srcdoc="{source}" title="{title}" style="width:100%;height:{HEIGHT}px;border:0"></iframe>'


def player_page(playback: "Playback") -> str:
    """Return the whole document.

    Args:
        playback: what it plays.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("player.html.j2").render(
        name=playback.name,
        video=base64.b64encode(playback.video).decode(),
        switches=[("target", playback.targets), ("fusion", playback.fusions)],
        colours={fusion: colour(fusion) for fusion in playback.fusions},
        notes=notes(playback),
        data=Markup(json.dumps(_told(playback)).replace("<", "\\u003c")),
        css=Markup((TEMPLATES / "player.css").read_text()),
        script=Markup((TEMPLATES / "player.js").read_text()),
    )


def notes(playback: "Playback") -> list[str]:
    """Say what is drawn, and how far to trust it, one sentence or two each.

    Args:
        playback: what is drawn.
    """
    picture, sound = playback.spans
    twice = "; the map of sound that several hear adds up what it adds to each" if sound > picture + FRAME_S else ""
    low, high = (f"{decibel:.0f}".replace("-", "−") for decibel in playback.decibel)
    return [
        playback.origin,
        f"Maps: of clips that touch{_explained(playback)} Red and light raises, blue and dark lowers. One map is an "
        "illustration; whether such maps can be trusted is measured in the report.",
        f"Sound: a clip has {picture:.2f} s of pictures and the last {sound:.2f} s of sound; hatched sound is heard "
        f"by no clip with a map{twice}. Greys go from {low} to {high} dB.",
        "Depends on: how far the prediction at the playhead would spread if that clip of voice or face varied as "
        f"{playback.variation} do (temporal influence); the outlined clip is the one at the playhead.",
        f"Carried by: {carried(playback)} Band around a line: standard deviation over seeds.",
    ]


def _explained(playback: "Playback") -> str:
    """What the maps start from, and whether they add up."""
    against = "" if playback.method in AT_A_LAYER else f", against a baseline ({playback.baseline})"
    if not playback.complete:
        return f"{against}. Those of {playback.method.replace('_', ' ')} need not add up to the prediction."
    sums = "; ".join(f"{fusion}, {target}: {track.sentence()}" for (fusion, target), track in playback.tracks.items())
    return f"{against}. What a place adds is added to the prediction at its own clip's end. {sums}."


def carried(playback: "Playback") -> str:
    """Say what the shares are, and against what.

    Args:
        playback: what is drawn.
    """
    if not playback.background:
        return "nothing is known, for no sequence of the run's training persons has a face and a voice throughout."
    return (
        f"Shapley values, |voice| against |face|; a missing one is replaced by {playback.background}. Grey where both "
        f"together move the prediction by {LEAST} or less."
    )


def _told(playback: "Playback") -> dict[str, Any]:
    """What the script needs: few words, and every array as bytes."""
    bands = len(playback.spectrogram)
    heights = ((mel_band(np.array(_HERTZ), bands) + 0.5) / bands).tolist()
    return {
        "fusions": playback.fusions,
        "targets": playback.targets,
        "target_columns": {target: TARGETS.index(target) for target in playback.targets},
        "annotated": bool(np.isfinite(playback.true).any()),
        "sound_start": playback.sound_start,
        "spans": playback.spans,
        "reach": playback.reach,
        "method": playback.method.replace("_", " "),
        "complete": playback.complete,
        "ends": {target: colour_ends(playback, target) for target in playback.targets},
        "pooled": SPECTRA,
        "influence": {target: playback.largest_influence(target) for target in playback.targets},
        "least": LEAST,
        "hertz": list(zip(heights, map(hertz_name, _HERTZ), strict=True)),
        "episodes": [{"name": name, "target": name.partition(", ")[2], **_episode(name)} for name in playback.episodes],
        "dashes": {fusion: _pattern(fusion) for fusion in playback.fusions},
        "colours": {
            "up": UP,
            "down": DOWN,
            "under": (DARK, LIGHT),
            "voice": colour("audio"),
            "face": colour("visual"),
            "fusions": {fusion: colour(fusion) for fusion in playback.fusions},
        },
        "arrays": {name: _bytes(values) for name, values in playback.arrays().items()},
        "digest": playback.digest(),
    }


def _bytes(values: np.ndarray) -> dict[str, Any]:
    values = values.astype(_PLAIN.get(str(values.dtype), values.dtype))
    plain = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return {"dtype": str(values.dtype), "shape": values.shape, "bytes": base64.b64encode(plain.tobytes()).decode()}


def _episode(name: str) -> dict[str, Any]:
    word, fill, hatched = EPISODES.get(name, (name.partition(", ")[0].replace("_", " "), "ink", ""))
    return {"word": word, "colour": fill, "hatched": bool(hatched)}


def _pattern(fusion: str) -> list[float]:
    """The line style as a canvas takes it, in pixels."""
    style = dashes(fusion)
    return [] if style == "solid" else [2.2 * length for length in style[1]]
