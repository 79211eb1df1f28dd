"""The explorer: a recording's face, sound, predictions and their maps in JupyterLab, one slider over all of them.

What does not move is drawn once for a choice; a moved slider only pastes the face, the window's clips and the playhead.
"""

import html
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.progress import Stage, listening
from jcalib.settings import UserError
from jcalib.views.heat import blend, paled, scaled
from jcalib.views.strip import draw_shares, draw_sound, draw_traces
from jcalib.views.style import BAND, DIM, INK, look

if TYPE_CHECKING:
    import ipywidgets

    from jcalib.explain import Playback

MEAN = "mean over seeds"
FACE, WIDTH, HEIGHT, DPI = 288, 1080, 500, 100  # pixels
LANES = {"sound": 170, "window": 34, "traces": 150, "share": 30, "episodes": 0}  # heights, from the top
LEFT, GAP = FACE + 100, 12
HEAD = (20, 24, 32)

Load = Callable[..., "Playback"]  # (recording, target, seed or None)


class Explorer:
    """Recordings to look into.

    Args:
        load: (recording, target, seed) to a playback of all fusions; seed is None for the mean over seeds. What it
            keeps on disk comes at once, the rest is computed while a line says how far it is.
        recordings: their names.
        target: what is shown first.
        seeds: that can be chosen beside the mean.
    """

    def __init__(
        self, load: Load, recordings: Sequence[str], target: str = "valence", seeds: Sequence[int] = ()
    ) -> None:
        self._load = load
        self._recordings, self._target, self._seeds = list(recordings), target, list(seeds)
        self._playbacks: dict[tuple[str, str, int | None], Playback] = {}
        self._still: tuple[Any, np.ndarray] | None = None

    def playback(self, recording: str, target: str, seed: int | None = None) -> "Playback":
        """Return what is shown, loaded once."""
        key = (recording, target, seed)
        if key not in self._playbacks:
            self._playbacks[key] = self._load(*key)
        return self._playbacks[key]

    def picture(self, playback: "Playback", fusion: str, target: str, frame: int) -> np.ndarray:
        """Return what is shown of one frame, uint8 (500, 1080, 3).

        Args:
            playback: what of.
            fusion, target: whose map.
            frame: where the playhead is.
        """
        track = playback.track(fusion, target)
        key = (playback, fusion, target)
        if self._still is None or self._still[0] != key:
            self._still = key, _still(playback, fusion, target)
        shown = self._still[1].copy()
        face = scaled(paled(playback.pictures[frame]), (FACE, FACE))
        near = playback.face_at(frame)
        shown[GAP : GAP + FACE, :FACE] = face if near is None else blend(face, scaled(track.face[near], (FACE, FACE)))
        _draw_window(shown, playback, track, playback.largest_influence(target), frame)
        here = _across(playback, playback.times[frame])
        shown[GAP : _bottom(playback), here - 1 : here + 1] = HEAD
        return shown

    def words(self, playback: "Playback", fusion: str, target: str, frame: int) -> str:
        """Return the numbers at a frame as one line of HTML."""
        column = ("valence", "arousal").index(target)
        parts = [f"<b>{playback.times[frame]:.2f} s</b>", f"true {playback.true[frame, column]:+.2f}"]
        if not np.isfinite(playback.true[frame, column]):
            parts.pop()
        for name in playback.fusions:
            track = playback.track(name, target)
            spread = f" ± {track.spread[frame]:.2f}" if np.isfinite(track.spread[frame]) else ""
            parts.append(f"{html.escape(name)} {track.prediction[frame]:+.2f}{spread}")
        clip = playback.clip_at(frame)
        if not playback.seen[frame]:
            parts.append("no face in this frame")
        if clip is None:
            parts.append("no map: no whole clip ends after this")
        else:
            voice, face = playback.track(fusion, target).sums[clip]
            end = playback.times[playback.explained[clip]]
            parts.append(f"maps explain {html.escape(fusion)} at {end:.2f} s: face {face:+.3f}, voice {voice:+.3f}")
        return " · ".join(parts).replace("-", "−")

    def widget(self) -> "ipywidgets.Widget":
        """Return the live widget, which follows its controls; whatever goes wrong is one line in it."""
        return _Live(self, self._recordings, self._target, self._seeds).box


class _Live:
    """The controls and what they change."""

    def __init__(self, explorer: Explorer, recordings: list[str], target: str, seeds: list[int]) -> None:
        import ipywidgets as widgets

        self._explorer = explorer
        narrow = {"style": {"description_width": "initial"}, "layout": widgets.Layout(width="auto")}
        choices = [MEAN, *(f"seed {seed}" for seed in seeds)]
        values = [None, *seeds]
        self.recording = widgets.Dropdown(
            options=recordings, value=recordings[0] if recordings else None, description="recording", **narrow
        )
        self.target = widgets.ToggleButtons(options=["valence", "arousal"], value=target, **_small(widgets))
        self.fusion = widgets.ToggleButtons(options=[], **_small(widgets))
        self.seed = widgets.Dropdown(options=list(zip(choices, values, strict=True)), description="seeds", **narrow)
        self.frame = widgets.IntSlider(
            0, 0, 1, description="frame", continuous_update=True, layout=widgets.Layout(width=f"{WIDTH}px")
        )
        self.image = widgets.Image(format="png", width=WIDTH, height=HEIGHT, layout=widgets.Layout(max_width="100%"))
        self.line = widgets.HTML()
        row = widgets.HBox([self.recording, self.target, self.fusion, self.seed])
        row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([row, self.frame, self.image, self.line])
        for control in (self.recording, self.target, self.seed):
            control.observe(self._chosen, "value")
        for control in (self.fusion, self.frame):
            control.observe(self._moved, "value")
        self._playback: Playback | None = None
        self._chosen()

    def _chosen(self, _: object = None) -> None:
        """Load what is chosen and draw it."""
        with _Said(self.line):
            self._playback = None
            if self.recording.value is None:
                raise UserError("choose a recording: none is chosen.")
            with listening(_Counting(self.line)):
                found = self._explorer.playback(self.recording.value, self.target.value, self.seed.value)
            names = list(found.fusions)
            if list(self.fusion.options) != names:
                self.fusion.options = names
                self.fusion.value = names[0]
            self._playback = found
            self.frame.max = len(found.times) - 1
            self._draw()

    def _moved(self, _: object = None) -> None:
        with _Said(self.line):
            self._draw()

    def _draw(self) -> None:
        if self._playback is None or self.fusion.value is None:
            return
        chosen = self._playback, self.fusion.value, self.target.value, self.frame.value
        self.image.value = _png(self._explorer.picture(*chosen))
        self.line.value = self._explorer.words(*chosen)


class _Said:
    """Says in one line what went wrong: a traceback below a slider helps nobody."""

    def __init__(self, line: Any) -> None:
        self._line = line

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        words = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        self._line.value = f'<span style="color:#b42318">{html.escape(" ".join(words.split()))}</span>'
        return True


class _Counting:
    """Says how far a computation is."""

    def __init__(self, line: Any) -> None:
        self._line = line

    def started(self, stage: Stage) -> None:
        """Say what is begun."""
        self.advanced(stage)

    def advanced(self, stage: Stage) -> None:
        """Say how much of it is done."""
        self._line.value = html.escape(f"computing: {stage.name}, {stage.done} of {stage.total or '?'} clips")

    def finished(self, stage: Stage) -> None:
        """Leave the line to what comes next."""


def _small(widgets: Any) -> dict[str, Any]:
    return {"style": {"button_width": "auto"}, "layout": widgets.Layout(width="auto")}


def _png(picture: np.ndarray) -> bytes:
    from matplotlib.image import imsave

    file = BytesIO()
    imsave(file, picture, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()


def _places(playback: "Playback") -> dict[str, tuple[int, int]]:
    """Top and bottom of each lane, pixels."""
    found, top = {}, GAP
    for name, tall in LANES.items():
        tall = tall or 14 * len(playback.episodes)
        found[name] = (top, top + tall)
        top += tall + GAP
    return found


def _bottom(playback: "Playback") -> int:
    return max(bottom for _, bottom in _places(playback).values())


def _across(playback: "Playback", seconds: float) -> int:
    """The column of a moment."""
    begin, end = playback.times[0], playback.times[-1]
    return LEFT + round((seconds - begin) / (end - begin) * (WIDTH - LEFT - 14))


def _draw_window(shown: np.ndarray, playback: "Playback", track: Any, largest: float, frame: int) -> None:
    """The clips that the prediction at the playhead depends on: voice above face, the darker the more."""
    row = playback.row_at(frame)
    top, bottom = _places(playback)["window"]
    tall = (bottom - top - 2) // 2
    for modality, span in enumerate(playback.spans[::-1]):
        y = top + modality * (tall + 2)
        for end, value in zip(playback.windows[row], track.influence[row, :, modality], strict=True):
            if end >= 0:
                right = _across(playback, playback.times[end])
                left = max(_across(playback, playback.times[end] - span), LEFT)
                shade = 245 - 215 * min(float(value) / largest, 1.0)
                shown[y : y + tall, left + 1 : max(right - 1, left + 2)] = shade


def _still(playback: "Playback", fusion: str, target: str) -> np.ndarray:
    """Everything that does not move, uint8 (HEIGHT, WIDTH, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from jcalib.views.corpus import draw_ribbons

    places = _places(playback)
    tracks = [playback.track(name, target) for name in playback.fusions]
    happening = {name: one for name, one in playback.episodes.items() if name.partition(", ")[2] in ("", target)}
    with look():
        fig = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
        axes = {}
        for name, (top, bottom) in places.items():
            place = (LEFT / WIDTH, 1 - bottom / HEIGHT, (WIDTH - LEFT - 14) / WIDTH, (bottom - top) / HEIGHT)
            if bottom > top:
                axes[name] = fig.add_axes(place)
        draw_sound(axes["sound"], playback, playback.track(fusion, target))
        draw_traces(axes["traces"], playback, tracks, target)
        draw_shares(axes["share"], playback, playback.track(fusion, target))
        axes["window"].axhspan(0, 1, color=BAND, linewidth=0)
        axes["window"].set(ylim=(0, 1), yticks=[0.25, 0.75])
        axes["window"].set_yticklabels(["face", "voice"], fontsize=6.5)
        axes["window"].set_ylabel("depends\non", rotation=0, ha="right", va="center", fontsize=7.5)
        if happening:
            draw_ribbons(
                axes["episodes"], playback.times, {name.partition(",")[0]: one for name, one in happening.items()}
            )
        last = list(axes.values())[-1]
        for ax in axes.values():
            ax.set_xlim(playback.times[0], playback.times[-1])
            ax.tick_params(length=0, labelbottom=ax is last)
            ax.set_xlabel("")
        fig.text(
            0.0,
            1 - (FACE + 2 * GAP + 8) / HEIGHT,
            f"{playback.name}: {fusion}, {target}",
            fontsize=9,
            color=INK,
            fontweight="bold",
        )
        fig.text(
            0.0, 1 - (FACE + 2 * GAP + 26) / HEIGHT, "red and light raises, blue and dark lowers", fontsize=8, color=DIM
        )
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
