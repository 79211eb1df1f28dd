"""An attribution map over the clip it explains, or of a whole window, with what it has to add up to.

Pictures above, sound below.
"""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from jcalib.clips import RATE, SAMPLES, STEP
from jcalib.views.corpus import draw_spectrogram
from jcalib.views.style import DIM, INK, figure, look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jcalib.explain import Attribution

DIVERGING = "RdBu_r"
ALARM = "#b42318"
_HEADING: dict[str, Any] = {"x": 0.01, "ha": "left", "fontsize": 9, "fontweight": "bold", "color": INK}
_START = -SAMPLES / RATE  # the first log-mel frame is centred where the clip's sound begins


def plot_attribution(
    attribution: "Attribution",
    pictures: ArrayLike,
    log_mel: ArrayLike,
    recording: str = "",
    second: float | None = None,
    fps: float = 25.0,
    percentile: float = 99.5,
) -> "Figure":
    """Draw a clip and what each part of it adds to the prediction.

    Faces and sound have a colour scale each, about 0, that ends at a percentile of the absolute values (printed); the
    sums under the faces and over the sound tell the sign where there is no colour.

    Args:
        attribution: the map.
        pictures: (3, 8, H, W) in [0, 1], what was explained.
        log_mel: (1, mels, frames) or (mels, frames), what was explained.
        recording: its name, for the title.
        second: when the clip ends, in its recording.
        fps: frames per second, for the times over the faces.
        percentile: of the absolute values, where the colours end.
    """
    from matplotlib.figure import Figure

    faces = np.moveaxis(np.asarray(pictures, dtype=float), 0, -1)
    sound = np.asarray(log_mel, dtype=float).reshape(attribution.log_mel.shape)
    times = (np.arange(len(faces)) - len(faces) + 1) * STEP / fps
    with look():
        fig = Figure(figsize=(9.4, 5.4), layout="constrained")
        above, below = cast(Any, fig.subfigures(2, 1, height_ratios=[1.25, 1]))
        rows = above.subplots(2, len(faces))
        for ax, face, time in zip(rows[0], faces, times, strict=True):
            ax.imshow(face.clip(0, 1), interpolation="antialiased")
            ax.set_title(f"{_signed(time, 2)} s", loc="center", fontsize=8, fontweight="normal", color=DIM)
        _draw_face_maps(above, rows[1], faces, attribution, percentile)
        for ax in rows.flat:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        _draw_sound(below, below.subplots(1, 2), sound, attribution, percentile)
        _write(fig, attribution, recording, second, percentile)
    return fig


def plot_window(
    attribution: "Attribution", recording: str = "", second: float | None = None, percentile: float = 99.5
) -> "Figure":
    """Draw the map of a whole window: a column a clip, with what its face and its voice add to the prediction.

    Faces' maps are added up over a clip's pictures. Faces and sound have a colour scale each, the same for all clips.

    Args:
        attribution: from `explain.attribute(..., extent="window")`.
        recording: its name, for the title.
        second: when the explained clip ends, in its recording.
        percentile: of the absolute values, where the colours end.
    """
    known = np.flatnonzero(np.isfinite(attribution.ends))
    fig, axes = figure(3, len(known), 9.4, 4.6, grid="none", sharey="row", height_ratios=[1, 1, 0.9], squeeze=False)
    faces, sounds = attribution.pictures[known].sum(axis=1), attribution.log_mel[known]
    limits = _limit(faces, percentile), _limit(sounds, percentile)
    sums = {"voice": sounds.sum(axis=(1, 2)), "face": faces.sum(axis=(1, 2))}
    with look():
        for column, clip in enumerate(known):
            face, sound, bars = axes[:, column]
            image = face.imshow(faces[column], cmap=DIVERGING, vmin=-limits[0], vmax=limits[0])
            scale: dict[str, Any] = {"cmap": DIVERGING, "vmin": -limits[1], "vmax": limits[1]}
            heard = draw_spectrogram(sound, sounds[column], _START, **scale)
            for row, (word, values) in enumerate(sums.items()):
                bars.barh(row, values[column], color=INK if word == "face" else DIM, height=0.6)
            bars.axvline(0, color=DIM, linewidth=0.6)
            end = attribution.ends[clip] - (second or 0)
            face.set_title(f"{_signed(end, 2)} s", loc="center", fontsize=8, fontweight="normal", color=DIM)
            face.set(xticks=[], yticks=[])
            sound.set(xlabel="", ylabel="Hz" if column == 0 else "")
            bars.set_xlabel("\n".join(f"{word} {_signed(values[column])}" for word, values in reversed(sums.items())))
        axes[0, 0].set_ylabel("face", color=INK)
        axes[2, 0].set_yticks(range(len(sums)), list(sums), color=INK)
        reach = 1.1 * max(np.abs(list(sums.values())).max(), 1e-6)
        for ax in axes[2]:
            ax.set_xlim(-reach, reach)
        _colour_bar(fig, image, axes[0], limits[0], f"{attribution.target} a place")
        _colour_bar(fig, heard, axes[1], limits[1], f"{attribution.target} a cell")
        _write(fig, attribution, recording, second, percentile)
    return fig


def _draw_face_maps(fig: Any, row: Any, faces: np.ndarray, attribution: "Attribution", percentile: float) -> None:
    limit = _limit(attribution.pictures, percentile)
    for ax, face, values in zip(row, faces, attribution.pictures, strict=True):
        image = overlay(ax, face, values, limit)
        ax.set_xlabel(_signed(_sum(values)), color=INK)
    fig.suptitle(f"face: the pictures and their map, sum {_signed(_sum(attribution.pictures))}", **_HEADING)
    bar = _colour_bar(fig, image, row, limit, f"{attribution.target} a pixel")
    bar.solids.set_alpha(1)


def overlay(ax: Any, face: np.ndarray, values: np.ndarray, limit: float) -> Any:
    """Draw a signed map over a pale grey face; the stronger it is, the less of the face shines through.

    Args:
        ax: where to.
        face: (H, W, 3) in [0, 1].
        values: (H, W).
        limit: where the colours end.

    Returns:
        The map's image.
    """
    ax.imshow(0.45 + 0.55 * face.mean(axis=-1).clip(0, 1), cmap="gray", vmin=0, vmax=1)
    alpha = np.sqrt(np.abs(values / limit).clip(0, 1))
    return ax.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, alpha=alpha, interpolation="nearest")


def _draw_sound(fig: Any, halves: Any, sound: np.ndarray, attribution: "Attribution", percentile: float) -> None:
    left, right = halves
    draw_spectrogram(left, sound, _START, cmap="gray_r")
    limit = _limit(attribution.log_mel, percentile)
    image = draw_spectrogram(right, attribution.log_mel, _START, cmap=DIVERGING, vmin=-limit, vmax=limit)
    right.set_ylabel("")
    for ax in halves:
        ax.set_xlabel("time to the clip's end (s)")
    fig.suptitle(f"voice: the log-mel spectrogram and its map, sum {_signed(_sum(attribution.log_mel))}", **_HEADING)
    _colour_bar(fig, image, right, limit, f"{attribution.target} a cell")


def _write(fig: "Figure", attribution: "Attribution", recording: str, second: float | None, percentile: float) -> None:
    where = recording + (f" at {second:.2f} s" if second is not None else "")
    where += ": " if where else ""
    fig.suptitle(
        f"{where}{attribution.target} predicted {_plain(attribution.prediction)}; at the baseline "
        f"{_plain(attribution.baseline_prediction)}; difference {_plain(attribution.difference)}\n"
        f"Baseline: {attribution.baseline}",
        **{**_HEADING, "fontsize": 10.5},
    )
    good = (attribution.converged or not attribution.complete) and not attribution.empty
    fig.supxlabel(_completeness(attribution, percentile), x=0.01, ha="left", fontsize=8, color=DIM if good else ALARM)


def _completeness(attribution: "Attribution", percentile: float) -> str:
    """Whether the map adds up, in words."""
    if attribution.empty:
        return "The map is zero everywhere: clip and baseline are the same to the model."
    if not attribution.complete:
        return (
            f"{attribution.method} does not promise to add up: its sum is {_signed(attribution.total)}, the difference "
            f"{_signed(attribution.difference)}. Colours end at the {percentile:g}th percentile of the absolute values."
        )
    return (
        f"The map {'adds up' if attribution.converged else 'DOES NOT ADD UP'}: its sum is "
        f"{_signed(attribution.total)}, the difference {_signed(attribution.difference)}, missed by "
        f"{_signed(attribution.delta, 4)} with {attribution.steps} steps. "
        f"Colours end at the {percentile:g}th percentile of the absolute values."
    )


def _sum(values: np.ndarray) -> float:
    return float(values.sum(dtype=np.float64))


def _limit(values: np.ndarray, percentile: float) -> float:
    """Where the colours end: the percentile, the maximum where that is 0, 1 where all is."""
    size = np.abs(values)
    return float(np.percentile(size, percentile)) or float(size.max()) or 1.0


def _signed(value: float, digits: int = 3) -> str:
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text


def _plain(value: float) -> str:
    return _signed(value).removeprefix("+")


def _power(value: float) -> str:
    """Two digits, and a power of ten where they are small."""
    mantissa, exponent = f"{value:.1e}".split("e")
    if int(exponent) >= -2:
        return f"{value:.2g}"
    return f"{mantissa}·10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _colour_bar(fig: Any, image: Any, axes: Any, limit: float, label: str) -> Any:
    bar = fig.colorbar(image, ax=axes, aspect=16, pad=0.012)
    bar.outline.set_visible(False)
    bar.set_ticks([-limit, 0, limit], labels=[f"−{_power(limit)}", "0", f"+{_power(limit)}"])
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=DIM)
    bar.set_label(label, color=DIM)
    return bar
