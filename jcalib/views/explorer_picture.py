"""The picture of the explorer: face, maps of the fusion, sound, what a prediction depends on, traces, one playhead.

What does not move is drawn once for a choice; a moved slider only pastes the face, the fusion's maps, the window's
clips and the playhead.
"""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.explain.playback import PERCENTILE
from jcalib.views.heat import blend, paled, scaled
from jcalib.views.shares import LEAST
from jcalib.views.strip import draw_shares, draw_sound, draw_traces
from jcalib.views.style import BAND, DIM, INK, look

if TYPE_CHECKING:
    from jcalib.explain import Attending, Playback, Track

FACE, WIDTH, HEIGHT, DPI = 288, 1080, 680, 100  # pixels
LANES = {"sound": 190, "window": 40, "traces": 190, "share": 36, "episodes": 0}  # heights, from the top
LEFT, GAP = FACE + 100, 12
HEAD = (20, 24, 32)
MAP_TOPS = {"audio": FACE + 92, "visual": FACE + 92 + 152}
MAP_HEIGHT, MAP_WIDTH = 128, 256  # of joint's correlation one pixel a cell
GROUND = 232  # grey of a map's zero
WORDS = {"audio": "voice", "visual": "face"}


def still(playback: "Playback", attending: "Attending", target: str) -> np.ndarray:
    """Draw everything that does not move, uint8 (HEIGHT, WIDTH, 3).

    Args:
        playback: of what.
        attending: whose maps have a place.
        target: whose traces and sound's map.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with look():
        fig = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
        axes = {name: fig.add_axes(_place(top, bottom)) for name, (top, bottom) in _places(playback).items()}
        _draw_lanes(axes, playback, attending.fusion, target)
        _write(fig, playback, attending, target)
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def picture(ground: np.ndarray, playback: "Playback", attending: "Attending", target: str, frame: int) -> np.ndarray:
    """Paste what moves, uint8 (HEIGHT, WIDTH, 3).

    Args:
        ground: from `still`, for the same choice.
        playback, attending, target: as in `still`.
        frame: where the playhead is.
    """
    shown, track = ground.copy(), playback.track(attending.fusion, target)
    face = scaled(paled(playback.pictures[frame]), (FACE, FACE))
    near = playback.face_at(frame)
    shown[GAP : GAP + FACE, :FACE] = face if near is None else blend(face, scaled(track.face[near], (FACE, FACE)))
    for modality, values in attending.maps.items():
        drawn = map_picture(values[playback.row_at(frame)], signed=attending.kind == "correlation")
        top = MAP_TOPS[modality]
        shown[top : top + drawn.shape[0], : drawn.shape[1]] = drawn
    _draw_window(shown, playback, track, playback.largest_influence(target), frame)
    here = _across(playback, playback.times[frame])
    bottom = max(bottom for _, bottom in _places(playback).values())
    shown[GAP:bottom, here - 1 : here + 1] = HEAD
    return shown


def map_picture(values: np.ndarray, signed: bool) -> np.ndarray:
    """Return a fusion's map in colours, uint8 (128, 128 or 256, 3).

    Args:
        values: int8 (rows, columns).
        signed: red raises and blue lowers, with a line between the blocks of voice and face; else the darker the more.
    """
    size = MAP_HEIGHT, MAP_WIDTH if signed else MAP_HEIGHT
    rows, columns = (np.arange(wanted) * cells // wanted for wanted, cells in zip(size, values.shape, strict=True))
    near = values[rows[:, None], columns]
    if not signed:
        return np.repeat((GROUND - near.astype(float) * 1.6).astype(np.uint8)[..., None], 3, axis=-1)
    drawn = blend(np.full((*size, 3), GROUND, np.uint8), near)
    drawn[:, MAP_WIDTH // 2] = HEAD
    return drawn


def png(drawn: np.ndarray) -> bytes:
    """Encode uint8 (H, W, 3), fast rather than small."""
    from matplotlib.image import imsave

    file = BytesIO()
    imsave(file, drawn, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue()


def _places(playback: "Playback") -> dict[str, tuple[int, int]]:
    """Top and bottom of each lane that there is, pixels."""
    found, top = {}, GAP
    for name, tall in LANES.items():
        tall = tall or 14 * len(playback.episodes)
        if tall:
            found[name] = (top, top + tall)
            top += tall + GAP
    return found


def _place(top: int, bottom: int) -> tuple[float, float, float, float]:
    """A lane's place as matplotlib takes it."""
    return LEFT / WIDTH, 1 - bottom / HEIGHT, (WIDTH - LEFT - 14) / WIDTH, (bottom - top) / HEIGHT


def _across(playback: "Playback", seconds: float) -> int:
    """The column of a moment."""
    begin, end = playback.times[0], playback.times[-1]
    return LEFT + round((seconds - begin) / (end - begin) * (WIDTH - LEFT - 14))


def _draw_lanes(axes: dict[str, Any], playback: "Playback", fusion: str, target: str) -> None:
    from jcalib.views.corpus import draw_ribbons

    draw_sound(axes["sound"], playback, playback.track(fusion, target))
    draw_traces(axes["traces"], playback, [playback.track(name, target) for name in playback.fusions], target)
    draw_shares(axes["share"], playback, playback.track(fusion, target))
    axes["share"].set_ylabel(f"carried by\ngrey: |sum| ≤ {LEAST}", rotation=0, ha="right", va="center", fontsize=7.5)
    axes["window"].axhspan(0, 1, color=BAND, linewidth=0)
    axes["window"].set(ylim=(0, 1), yticks=[0.25, 0.75])
    axes["window"].set_yticklabels(["face", "voice"], fontsize=6.5)
    darkest = f"temporal\ninfluence\n0 to {playback.largest_influence(target):.1g}"
    axes["window"].set_ylabel(darkest, rotation=0, ha="right", va="center", fontsize=7.5)
    happening = {name: one for name, one in playback.episodes.items() if name.partition(", ")[2] in ("", target)}
    if happening:
        named = {name.partition(",")[0]: one for name, one in happening.items()}
        draw_ribbons(axes["episodes"], playback.times, named)
    elif "episodes" in axes:
        axes.pop("episodes").set_axis_off()
    last = list(axes.values())[-1]
    for ax in axes.values():
        ax.set_xlim(playback.times[0], playback.times[-1])
        ax.tick_params(length=0, labelbottom=ax is last)
        ax.set_xlabel("")
    last.set_xlabel("time (s)")


def _write(fig: Any, playback: "Playback", attending: "Attending", target: str) -> None:
    """What the left side says of face and maps."""

    def say(top: float, text: str, **style: Any) -> None:
        fig.text(0.0, 1 - top / HEIGHT, text, va="top", **({"fontsize": 7.5, "color": DIM} | style))

    _, seen = playback.limits[target]
    name = attending.fusion
    say(FACE + GAP + 6, f"{playback.name}: {name}, {target}", fontsize=9, color=INK, fontweight="bold")
    ends = f"; ends at ±{seen:.1g}\na place, the {PERCENTILE:g}th percentile over the recording"
    say(FACE + GAP + 22, f"red and light raises, blue and dark lowers{ends if len(playback.face_frames) else ''}")
    for modality, top in MAP_TOPS.items():
        say(top - 14, _map_title(attending, modality), fontsize=8, color=INK)
    if attending.kind:
        ends = f"ends at {'±' if attending.kind == 'correlation' else ''}{attending.limit:.1g}"
        seed = f"seed {attending.seed}, window at the playhead; {ends}"
        say(MAP_TOPS["visual"] + MAP_HEIGHT + 4, seed)


def _map_title(attending: "Attending", modality: str) -> str:
    if not attending.kind:
        return f"{attending.fusion} computes no map of its own" if modality == "audio" else ""
    if attending.kind == "correlation":
        return f"{WORDS[modality]} features by voice | face features: correlation"
    return f"attended {WORDS[modality]} clip by clip that asks: attention"


def _draw_window(shown: np.ndarray, playback: "Playback", track: "Track", largest: float, frame: int) -> None:
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
