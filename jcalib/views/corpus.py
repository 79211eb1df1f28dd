"""The corpus as one sees and hears it: faces, a spectrogram, and a recording's labels, cues and episodes in time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jcalib.views.style import BAND, DIM, INK, SPARE, colour, dashes, figure, look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGETS = ("valence", "arousal")
FACE_SIDE = 112  # pixels of a crop, for rows in which there is none
FRAME_SECONDS = 0.01  # between two frames of the log-mel spectrogram
EPISODES = {
    "face_covered": ("face covered", colour("visual"), ""),
    "face_lost": ("face lost", colour("visual"), "////"),
    "voice_noisy": ("voice noisy", colour("audio"), ""),
    "posed": ("face posed", SPARE[0], "...."),
}
CUES: dict[str, tuple[str, Any]] = {"visual": ("face's cue", "solid"), "audio": ("voice's cue", dashes("audio"))}
_SOUND = "magma"
_HERTZ = (250, 500, 1000, 2000, 4000, 8000, 16000)


def plot_contact_sheet(
    faces: Sequence[Sequence[np.ndarray | None]],
    rows: Sequence[str],
    columns: Sequence[str] = (),
    width: float = 7.2,
) -> "Figure":
    """Draw faces in a grid, one recording a row.

    Args:
        faces: rows of pictures, uint8 (H, W, 3), all of one size; None where there is no face.
        rows: what each row is.
        columns: what each column is; may be left out.
        width: inches.
    """
    size = next((face.shape[0] for row in faces for face in row if face is not None), FACE_SIDE)
    gap = max(1, size // 24)
    pitch, across = size + gap, len(faces[0])
    sheet = np.full((pitch * len(faces) - gap, pitch * across - gap, 3), 255, dtype=np.uint8)
    height = (width - 0.9) * len(faces) / across + 0.4 * bool(columns)
    fig, ax = figure(width=width, height=height, grid="none")
    for row, line in enumerate(faces):
        for column, face in enumerate(line):
            y, x = row * pitch, column * pitch
            sheet[y : y + size, x : x + size] = 242 if face is None else face
            if face is None:
                ax.text(x + size / 2, y + size / 2, "no face", ha="center", va="center", fontsize=6.5, color=DIM)
    ax.imshow(sheet, interpolation="antialiased")
    ax.set_yticks(np.arange(len(faces)) * pitch + size / 2, rows)
    ax.set_xticks(np.arange(len(columns)) * pitch + size / 2, columns)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return fig


def plot_spectrogram(log_mel: ArrayLike, start: float = 0.0, title: str = "") -> "Figure":
    """Draw a log-mel spectrogram, seconds by Hz, in dB.

    Args:
        log_mel: (mels, frames), standardised as `encoders.log_mel` gives it.
        start: seconds at which the first frame is centred.
        title: of the picture.
    """
    from jcalib.encoders.spectrogram import MEAN_DB, STD_DB

    decibel = np.asarray(log_mel) * STD_DB + MEAN_DB
    fig, ax = figure(width=7.2, height=2.6, grid="none")
    with look():
        image = draw_spectrogram(ax, decibel, start, cmap=_SOUND)
        ax.set_title(title)
        bar = fig.colorbar(image, ax=ax, aspect=24, pad=0.015)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelcolor=DIM)
        bar.set_label("power (dB)")
    return fig


def draw_spectrogram(ax: Any, values: np.ndarray, start: float, **image: Any) -> Any:
    """Draw (mels, frames) on axes of its own: seconds, and Hz where they lie on the mel scale.

    Args:
        ax: where to.
        values: (mels, frames), the lowest band first.
        start: seconds at which the first frame is centred.
        **image: passed to `Axes.imshow` (cmap, vmin, vmax).

    Returns:
        The image.
    """
    bands, frames = values.shape
    left = start - FRAME_SECONDS / 2
    extent = (left, left + frames * FRAME_SECONDS, -0.5, bands - 0.5)
    drawn = ax.imshow(values, origin="lower", aspect="auto", interpolation="nearest", extent=extent, **image)
    ax.set_yticks(mel_band(np.array(_HERTZ), bands), [hertz_name(hertz) for hertz in _HERTZ])
    ax.set_ylim(-0.5, bands - 0.5)
    ax.set(xlabel="time (s)", ylabel="mel band's centre (Hz)")
    ax.tick_params(length=2)
    ax.spines[:].set_visible(False)
    return drawn


def hertz_name(hertz: int) -> str:
    """Return a frequency as an axis names it: 500, 2k."""
    return f"{hertz // 1000}k" if hertz >= 1000 else str(hertz)


def mel_band(hertz: np.ndarray, bands: int, highest: float = 22_050) -> np.ndarray:
    """Where frequencies lie among the centres of HTK mel bands: 0 is the lowest band's, bands - 1 the highest's.

    Args:
        hertz: frequencies.
        bands: how many there are from 0 Hz to `highest`.
        highest: half of the sampling rate.
    """
    return (bands + 1) * np.log1p(np.asarray(hertz) / 700) / np.log1p(highest / 700) - 1


def plot_recording(
    time: ArrayLike,
    labels: ArrayLike,
    cues: Mapping[str, ArrayLike],
    episodes: Mapping[str, ArrayLike],
    title: str = "",
) -> "Figure":
    """Draw one recording: per target the label and the cues that face and voice carry, and ribbons of what happens.

    Args:
        time: (T,) seconds, one a frame.
        labels: (T, 2) valence, arousal in [-1, 1]; NaN where nobody annotated.
        cues: "visual" and "audio" to (T, 2), in standard deviations.
        episodes: name to (T,) bool: face_covered, face_lost, voice_noisy, posed; others get their own ribbon.
        title: of the picture.
    """
    time, labels = np.asarray(time, dtype=float), np.asarray(labels, dtype=float)
    ribbons = 0.22 * len(episodes)
    rows = 2 + bool(episodes)
    fig, axes = figure(rows, 1, 7.2, 3.6 + ribbons, sharex=True, height_ratios=[1.35, 1.35, ribbons][:rows], grid="x")
    with look():
        for number, (ax, target) in enumerate(zip(axes, TARGETS, strict=False)):
            own = {name: np.asarray(cue)[:, number] for name, cue in cues.items()}
            lines = _draw_target(ax, time, labels[:, number], own)
            ax.set_ylabel(f"{target} (−1 to 1)")
        if episodes:
            draw_ribbons(axes[2], time, episodes)
        axes[0].set_title(title)
        axes[-1].set_xlabel("time (s)")
        axes[-1].set_xlim(time[0], time[-1])
        fig.legend(handles=lines, loc="outside upper right", ncols=3)
    return fig


def _draw_target(ax: Any, time: np.ndarray, label: np.ndarray, cues: Mapping[str, np.ndarray]) -> list[Any]:
    """The label against the left axis, cues in standard deviations against the right one, both zero at mid-height."""
    lines = [*ax.plot(time, label, color=INK, linewidth=2, label="label")]
    ax.set(ylim=(-1.05, 1.05), yticks=[-1, 0, 1])
    if not cues:
        return lines
    right = ax.twinx()
    for name, cue in cues.items():
        word, line = CUES.get(name, (name, "solid"))
        lines += right.plot(time, cue, color=colour(name), linestyle=line, linewidth=1.2, label=word)
    ax.set_zorder(right.get_zorder() + 1)
    ax.patch.set_visible(False)
    right.set(ylim=(-3.15, 3.15), yticks=[-3, 0, 3])
    right.set_ylabel("cue (SD)", color=DIM)
    right.tick_params(length=0, labelcolor=DIM)
    right.spines[:].set_visible(False)
    return lines


def draw_ribbons(ax: Any, time: np.ndarray, episodes: Mapping[str, ArrayLike]) -> None:
    """Draw one ribbon a kind of episode, from its first frame to the end of its last.

    Args:
        ax: where to; its rows are named after the episodes.
        time: (T,) seconds, one a frame.
        episodes: name to (T,) bool.
    """
    frame = float(np.median(np.diff(time))) if len(time) > 1 else 0.04
    names = []
    for row, (name, active) in enumerate(episodes.items()):
        word, fill, hatch = EPISODES.get(name, (name.replace("_", " "), INK, ""))
        names.append(word)
        ax.axhspan(row - 0.32, row + 0.32, color=BAND, linewidth=0)
        steps = np.diff(np.concatenate([[0], np.asarray(active, dtype=int), [0]]))
        starts, stops = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
        spans = [(time[a], time[b - 1] + frame - time[a]) for a, b in zip(starts, stops, strict=True)]
        ax.broken_barh(spans, (row - 0.32, 0.64), facecolor=fill, hatch=hatch, edgecolor="white", linewidth=0)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(False)
    ax.spines["left"].set_visible(False)
