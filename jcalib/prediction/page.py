"""One page for all predicted videos: opens from disk, light and dark, and loads nothing from outside its folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jcalib.files import replacing
from jcalib.prediction.result import TARGETS, Prediction
from jcalib.views.style import colour
from jcalib.views.traces import traces_svg

if TYPE_CHECKING:
    import pandas as pd

    from jcalib.prediction.predictor import Predictor

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Entry:
    """What the page shows of one video.

    Attributes:
        name: of its files, without suffix.
        video: the video's file name.
        facts: its length, and how much of it has a face, a voice and a prediction.
        notes: what to know before reading it.
        svg: the traces.
    """

    name: str
    video: str
    facts: str
    notes: tuple[str, ...]
    svg: str

    @classmethod
    def of(cls, prediction: Prediction, name: str) -> "Entry":
        """Draw a prediction; of its table only the picture is kept."""
        notes = (*prediction.notes, *filter(None, [prediction.trouble]))
        svg = traces_svg(prediction.table, prediction.fusion, prediction.name)
        return cls(name, prediction.name, prediction.facts(), notes, svg)


def write_page(path: Path, predictor: "Predictor", entries: Sequence[Entry], failures: "pd.DataFrame") -> None:
    """Write the page.

    Args:
        path: `index.html` in the folder of the tables and videos.
        predictor: what predicted.
        entries: the videos, in order.
        failures: name, what and consequence of what could not be read.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"link": quote, "svg": Markup}
    html = environment.get_template("predictions.html.j2").render(
        style=Markup((TEMPLATES / "predictions.css").read_text()),
        fusion=predictor.run.settings.fusion,
        colour=colour(predictor.run.settings.fusion),
        seeds=len(predictor.ensemble),
        origin=predictor.origin,
        intervals=[predictor.calibration[target].sentence(target) for target in TARGETS],
        calibrated=any(one.half_width is not None for one in predictor.calibration.values()),
        entries=entries,
        failures=failures.to_dict("records"),
    )
    with replacing(path) as beside:
        beside.write_text(html, encoding="utf-8")
