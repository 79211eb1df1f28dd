"""The player on paper: faces and sound with their maps, predictions, shares and episodes, as one figure."""

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.explain.playback import BANDS, FRAME_S, LEVELS, SPECTRA
from jcalib.views.corpus import TARGETS, draw_ribbons, hertz_name, mel_band
from jcalib.views.heat import DARK, LIGHT, blend, colour_ends, paled, scaled
from jcalib.views.shares import LEAST
from jcalib.views.style import BAND, DIM, INK, colour, dashes, look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jcalib.explain import Playback, Track

FACES = 8
LETTERS = 18.5  # of the legend that an inch holds
_SMALL: dict[str, Any] = {"fontsize": 6.5, "fontweight": "normal", "color": DIM}
_HERTZ = (500, 2000, 8000)


def plot_strip(playback: "Playback", target: str = "valence", width: float = 7.2) -> "Figure":
    """Draw a playback: a row of faces and the spectrogram for each fusion, then what all predict, and who carries it.

    Args:
        playback: from `explain.playback`.
        target: whose maps and values.
        width: inches.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    tracks = [playback.track(fusion, target) for fusion in playback.fusions]
    happening = {name: values for name, values in playback.episodes.items() if name.partition(", ")[2] in ("", target)}
    face = (width - 1.3) / FACES
    heights = [*[face, 0.95] * len(tracks), 1.35, *[0.2] * len(tracks), *[0.17 * len(happening)] * bool(happening)]
    with look():
        fig = Figure(figsize=(width, sum(heights) + 1.05), layout=ConstrainedLayoutEngine(h_pad=0.02, hspace=0.0))
        axes = fig.subplots(len(heights), 1, height_ratios=heights)
        for ax in axes:
            ax.tick_params(length=0)
        for number, track in enumerate(tracks):
            _draw_faces(axes[2 * number], playback, track)
            colours = draw_sound(axes[2 * number + 1], playback, track)
        at = 2 * len(tracks)
        draw_traces(axes[at], playback, tracks, target)
        for ax, track in zip(axes[at + 1 :], tracks, strict=False):
            draw_shares(ax, playback, track)
        if happening:
            draw_ribbons(axes[-1], playback.times, {name.partition(",")[0]: one for name, one in happening.items()})
        for ax in axes[1:]:
            ax.set_xlim(playback.times[0], playback.times[-1])
        for ax in axes[:-1]:
            ax.set_xticklabels([])
        axes[-1].set_xlabel(f"time in {playback.name} (s)")
        bar = fig.colorbar(colours, ax=axes[: 2 * len(tracks)], aspect=40, pad=0.01, shrink=0.8)
        bar.outline.set_visible(False)
        bar.set_ticks([-LEVELS, 0, LEVELS], labels=["lowers", "0", "raises"])
        bar.ax.tick_params(length=0, labelsize=8, labelcolor=DIM)
        under = [fill(line, round(width * LETTERS)) for line in _legend(playback, tracks, target)]
        fig.supxlabel("\n".join(under), x=0.01, ha="left", fontsize=7.5, color=DIM)
    return fig


def _legend(playback: "Playback", tracks: list["Track"], target: str) -> list[str]:
    """What colours, hatches, greys, dots and stars mean."""
    missed = playback.complete and not all(track.good.all() for track in tracks)
    stars = " *: its map does not add up." if missed else ""
    marks = f"Hatched: no clip with a map hears it. Grey: |voice| + |face| is at most {LEAST}. Dotted: true.{stars}"
    return [line for line in (colour_ends(playback, target), marks) if line]


def _draw_faces(ax: Any, playback: "Playback", track: "Track") -> None:
    """Faces at the middle of equal stretches of time; a star where a map does not add up."""
    edges = np.linspace(0, len(playback.times) - 1, FACES + 1)
    for number, frame in enumerate(((edges[1:] + edges[:-1]) / 2).round().astype(int)):
        inset = ax.inset_axes((number / FACES + 0.004, 0, 1 / FACES - 0.008, 1))
        near = playback.face_at(frame)
        picture = paled(playback.pictures[frame])
        if near is not None:
            side = len(picture)
            picture = blend(picture, scaled(track.face[near], (side, side)))
        inset.imshow(picture, interpolation="antialiased")
        star = "" if near is None or _adds_up(playback, track, frame) else " *"
        inset.set_title(f"{playback.times[frame]:.1f} s{star}", loc="center", pad=2, **_SMALL)
        inset.set(xticks=[], yticks=[])
        inset.spines[:].set_visible(False)
        if near is None:
            word = "no face" if not playback.seen[frame] else "no map"
            inset.text(0.5, 0.06, word, transform=inset.transAxes, ha="center", fontsize=7, color="white")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_ylabel(track.fusion, color=INK, fontweight="bold")


def _adds_up(playback: "Playback", track: "Track", frame: int) -> bool:
    """Whether the map at a frame adds up, or need not."""
    clip = playback.clip_at(frame)
    return clip is None or not playback.complete or bool(track.good[clip])


def draw_sound(ax: Any, playback: "Playback", track: "Track") -> Any:
    """Draw the spectrogram in greys under its map; a word where there is no sound.

    Args:
        ax: where to.
        playback, track: what.

    Returns:
        The colours of the map, for a colour bar.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    ramp = np.arange(-LEVELS, LEVELS + 1, dtype=np.int8)[None]
    shades = blend(np.full((1, ramp.shape[1], 3), (DARK + LIGHT) // 2, np.uint8), ramp)[0] / 255
    colours = ScalarMappable(Normalize(-LEVELS, LEVELS), ListedColormap(shades))
    bands, count = playback.spectrogram.shape
    if count:
        _draw_heard(ax, playback, track, colours)
    else:
        ax.text(0.5, 0.5, "no sound", transform=ax.transAxes, ha="center", va="center", fontsize=8, color=DIM)
    ax.set_yticks(mel_band(np.array(_HERTZ), bands), [hertz_name(hertz) for hertz in _HERTZ])
    ax.set_ylim(-0.5, bands - 0.5)
    ax.set_ylabel("Hz")
    ax.spines[:].set_visible(False)
    return colours


def _draw_heard(ax: Any, playback: "Playback", track: "Track", colours: Any) -> None:
    """The spectrogram, its map, and hatches over what no clip with a map hears."""
    bands, count = playback.spectrogram.shape
    left = playback.sound_start - FRAME_S / 2
    right, end = left + count * FRAME_S, left + track.sound.shape[1] * SPECTRA * FRAME_S
    grey = LIGHT - (LIGHT - DARK) / 255 * playback.spectrogram
    laid: dict[str, Any] = {"origin": "lower", "aspect": "auto"}
    ax.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=(left, right, -0.5, bands - 0.5), **laid)
    alpha = np.sqrt(np.abs(track.sound.astype(float)) / LEVELS)
    over = (left, end, -0.5, BANDS * len(track.sound) - 0.5)
    laid |= {"cmap": colours.cmap, "norm": colours.norm, "interpolation": "nearest"}
    ax.imshow(track.sound, alpha=alpha, extent=over, **laid)
    steps = np.flatnonzero(np.diff(np.concatenate([[0], (~playback.heard).astype(int), [0]])))
    for start, stop in steps.reshape(-1, 2):
        span = left + start * FRAME_S, left + stop * FRAME_S
        ax.axvspan(*span, facecolor=(1, 1, 1, 0.6), edgecolor=DIM, hatch="/////", linewidth=0)


def draw_traces(ax: Any, playback: "Playback", tracks: list["Track"], target: str) -> None:
    """Draw what each fusion predicts, with its spread over seeds, and what is true.

    Args:
        ax: where to.
        playback, tracks, target: what.
    """
    for track in tracks:
        shade = colour(track.fusion)
        ax.plot(playback.times, track.prediction, color=shade, linestyle=dashes(track.fusion), label=track.fusion)
        low, high = track.prediction - track.spread, track.prediction + track.spread
        ax.fill_between(playback.times, low, high, color=shade, alpha=0.18, linewidth=0)
    true = playback.true[:, TARGETS.index(target)]
    if np.isfinite(true).any():
        ax.plot(playback.times, true, color=INK, linestyle=(0, (1, 1.5)), linewidth=1.4, label="true")
    ax.axhline(0, color=DIM, linewidth=0.5)
    ax.set_ylabel(target, color=INK)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.22 * (high - low))  # lines stay below their names
    ax.legend(loc="upper right", ncols=len(tracks) + 1)


def draw_shares(ax: Any, playback: "Playback", track: "Track") -> None:
    """Draw face above and voice below (hatched) of one bar; grey where there is nothing to share.

    Args:
        ax: where to.
        playback, track: what.
    """
    voice, face = np.abs(track.shares[:, :2]).T
    some = voice + face > LEAST
    part = np.divide(voice, voice + face, out=np.zeros_like(voice), where=some)
    edges = playback.times[np.concatenate([[0], playback.ends])]
    ax.axhspan(0, 1, color=BAND, linewidth=0)
    bars: dict[str, Any] = {"fill": True, "linewidth": 0}
    lower, upper = np.where(some, part, np.nan), np.where(some, 1, np.nan)
    ax.stairs(lower, edges, facecolor=colour("audio"), hatch="////", edgecolor="white", **bars)
    ax.stairs(upper, edges, baseline=part, color=colour("visual"), **bars)
    ax.set(ylim=(0, 1), yticks=[0.2, 0.8])
    ax.set_yticklabels(["voice", "face"], fontsize=6.5)
    ax.set_ylabel(track.fusion, rotation=0, ha="right", va="center", labelpad=2, fontsize=7.5)
    ax.spines[:].set_visible(False)
