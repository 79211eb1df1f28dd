"""Maps of several methods over one clip, each with its checks beside it; and methods compared over many clips."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.clips import RATE, SAMPLES
from jcalib.views.attribution import DIVERGING, overlay
from jcalib.views.corpus import draw_spectrogram
from jcalib.views.style import DIM, INK, figure, look, rows_from_top

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from jcalib.explain import Examined

PERCENTILE = 99.5
SHOWN = (0, 4, 7)  # of a clip's eight pictures
GOOD = {
    "deletion": "lower is better", "insertion": "higher is better", "infidelity": "lower is better",
    "energy ratio": "higher is better, chance 1", "pointing": "higher is better", "AUROC": "higher, chance .5",
    "agreement": "rank correlation", "max-sensitivity": "lower is better",
    **{f"random {part}": "|rank correlation|, lower is better" for part in ("head", "fusion", "encoders")},
}  # fmt: skip
BOUNDS = {
    "pointing": (0.0, 1.0), "AUROC": (0.0, 1.0), "agreement": (-1.0, 1.0),
    **{f"random {part}": (0.0, 1.0) for part in ("head", "fusion", "encoders")},
}  # fmt: skip
COLUMNS = 3
_CHANCE = {"energy ratio": 1.0, "AUROC": 0.5}
_SOLID, _OPEN = "#1c2330", "#98a2b3"


def plot_methods(examined: "Examined", target: str, percentile: float = PERCENTILE) -> "Figure":
    """Draw a clip's maps, a method a row: three pictures, the spectrogram, and what the checks say.

    Every map has its own colour scale about 0, which ends at a percentile of its absolute values. Where the true
    cause is known it is the first row, without sign.

    Args:
        examined: from `explain.examine`.
        target: whose prediction.
        percentile: where colours end.
    """
    rows = len(examined.maps) + 1
    fig, axes = figure(rows, 5, 9.4, 1.35 * rows + 0.5, grid="none", width_ratios=[1, 1, 1, 2.1, 1.9], squeeze=False)
    faces = np.moveaxis(examined.clip.pictures.numpy(), 0, -1)
    sound = examined.clip.log_mel[0].numpy()
    with look():
        _draw_first(axes[0], examined, faces, sound, percentile)
        for row, (name, found) in zip(axes[1:], examined.maps.items(), strict=True):
            for ax, place in zip(row, SHOWN, strict=False):
                overlay(ax, faces[place], found.pictures[place], _limit(found.pictures, percentile))
            limit = _limit(found.log_mel, percentile)
            _sound(row[3], found.log_mel, cmap=DIVERGING, vmin=-limit, vmax=limit)
            row[0].set_ylabel(name.replace("_", "\n"), color=INK)
            _say(row[4], _verdicts(examined.scores, name))
        for ax in axes[:, :3].flat:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        axes[-1, 3].set_xlabel("time to the clip's end (s)", fontsize=7)
        axes[0, 3].set_title(
            "log-mel: mel band's centre (Hz)", loc="center", fontsize=8, fontweight="normal", color=DIM
        )
        for place, ax in zip(SHOWN, axes[0], strict=False):
            ax.set_title(f"picture {place + 1} of 8", loc="center", fontsize=8, fontweight="normal", color=DIM)
        title = f"{examined.clip.recording} at {examined.clip.second:.2f} s: what moves {target}"
        fig.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
        note = f"Red raises {target}, blue lowers it; each map's colours end at the {percentile:g}th percentile of its "
        fig.supxlabel(f"{note}absolute values.", x=0.01, ha="left", fontsize=8, color=DIM)
    return fig


def plot_curves(examined: "Examined", methods: "list[str] | None" = None) -> "Figure":
    """Draw deletion and insertion: how fast the prediction goes, and comes back, in the order of each map.

    Args:
        examined: from `explain.examine`.
        methods: which; all methods, and the uniform map (random order), if None.
    """
    curves = examined.curves
    modalities = list(dict.fromkeys(curves["modality"])) or ["visual"]
    fig, axes = figure(len(modalities), 2, 7.6, 2.3 * len(modalities), sharex=True, sharey="row", squeeze=False)
    names = methods or [*examined.maps, "uniform"]
    lines = ["-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3))]
    with look():
        for row, modality in zip(axes, modalities, strict=True):
            for number, name in enumerate(names):
                one = curves[(curves["modality"] == modality) & (curves["method"] == name)]
                grey = str(0.65 * number / max(len(names) - 1, 1))
                style: dict[str, Any] = {"color": grey, "linestyle": lines[number % len(lines)], "linewidth": 1.5}
                for ax, kind in zip(row, ("deletion", "insertion"), strict=True):
                    ax.plot(100 * one["fraction"], one[kind], label=name.replace("_", " "), **style)
            word = {"visual": "face", "audio": "voice"}[modality]
            row[0].set_ylabel(f"{word}: prediction left\n(0 baseline, 1 clip)")
        axes[0, 0].set_title("deletion: lower is better")
        axes[0, 1].set_title("insertion: higher is better")
        for ax in axes[-1]:
            ax.set_xlabel("cells taken away, or put back (%)")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside right upper")
    return fig


def plot_trust(found: "pd.DataFrame", modality: str) -> "Figure":
    """Draw methods by check over many clips, with 95 % intervals; open circles know nothing of the prediction.

    Checks that controls have, too, come first, so that no row stays empty. Intervals end at the bounds of their check.

    Args:
        found: from `explain.summary`.
        modality: "visual" or "audio".
    """
    mine = found[found["modality"] == modality]
    rows = [(mine[mine["check"].isin(checks)], checks) for checks in _rows(mine)] or [(mine, [])]
    names = [list(dict.fromkeys(part["method"])) for part, _ in rows]
    heights = [0.2 * len(one) + 1.1 for one in names]
    fig, axes = figure(len(rows), COLUMNS, 9.4, sum(heights), "x", sharey="row", squeeze=False, height_ratios=heights)
    with look():
        for line, (part, checks), methods in zip(axes, rows, names, strict=True):
            for ax, check in zip(line, checks, strict=False):
                _draw_check(ax, part[part["check"] == check].set_index("method").reindex(methods), check)
            for ax in line[len(checks) :]:
                ax.set_visible(False)
            rows_from_top(line[0], [name.replace("_", " ") for name in methods] or [""])
        if mine.empty:
            fig.text(0.02, 0.5, "No clip is moved by this modality enough to check a map.", va="center", color=INK)
    return fig


def trust_caption(found: "pd.DataFrame", modality: str) -> str:
    """Return what `plot_trust` shows, and over how many clips.

    Args:
        found, modality: as in `plot_trust`.
    """
    clips = found.loc[found["modality"] == modality, "clusters"]
    word = {"visual": "face", "audio": "voice"}[modality]
    if clips.empty:
        return f"No clip's prediction is moved enough by the {word} to check its map."
    counts = " to ".join(str(int(count)) for count in sorted({clips.min(), clips.max()}))
    return f"Checks of the {word}'s maps over {counts} clips, 95 % intervals over recordings. Open: controls."


def trust_tables(found: "pd.DataFrame", modality: str) -> "list[pd.DataFrame]":
    """Return what `plot_trust` draws in words, a row a check: methods, then controls, as a page has room for.

    Intervals of checks that have bounds (pointing, AUROC, correlations) are cut there in print; the numbers of `found`
    stay.

    Args:
        found, modality: as in `plot_trust`.
    """
    from jcalib.explain import METHODS, interval_table

    mine = found[found["modality"] == modality]
    known = mine["method"].isin(list(METHODS))
    parts = [part.assign(method=part["method"].str.replace("_", " ")) for part in (mine[known], mine[~known])]
    return [interval_table(part, "check", "method", BOUNDS, digits=2) for part in parts if len(part)]


def _rows(mine: "pd.DataFrame") -> list[list[str]]:
    """Return the checks of each row of panels: first those that are made of controls, then those of methods alone."""
    from jcalib.explain import METHODS

    checks = [name for name in GOOD if (mine["check"] == name).any()]
    controlled = set(mine.loc[~mine["method"].isin(list(METHODS)), "check"])
    groups = [[one for one in checks if one in controlled], [one for one in checks if one not in controlled]]
    return [group[first : first + COLUMNS] for group in groups for first in range(0, len(group), COLUMNS)]


def _draw_check(ax: Any, part: "pd.DataFrame", check: str) -> None:
    from jcalib.explain import METHODS
    from jcalib.explain.intervals import within

    for y, (name, one) in enumerate(part.iterrows()):
        known = name in METHODS
        low, high = within(check, (one["low"], one["high"]), BOUNDS)
        ends = np.nan_to_num([[one["value"] - low], [high - one["value"]]])
        ax.errorbar(one["value"], y, xerr=ends, color=_SOLID if known else _OPEN, marker="o", markersize=4.5,
                    markerfacecolor=_SOLID if known else "white", linestyle="none", elinewidth=1.2)  # fmt: skip
    if check in _CHANCE:
        ax.axvline(_CHANCE[check], color=DIM, linewidth=0.8, linestyle=(0, (2, 2)))
    if "correlation" in GOOD[check]:
        ax.set_xlim(left=min(0, ax.get_xlim()[0]))
    ax.set_title(check, fontsize=9)
    ax.set_xlabel(f"{GOOD[check]}\n{int(part['clusters'].max())} clips")


def _draw_first(row: Any, examined: "Examined", faces: np.ndarray, sound: np.ndarray, percentile: float) -> None:
    """The clip itself, and over it the true cause where it is known."""
    for ax, place in zip(row, SHOWN, strict=False):
        ax.imshow(faces[place].clip(0, 1), interpolation="antialiased")
        if examined.cause is not None:
            inside = examined.cause.pictures[place] > 0.15 * examined.cause.pictures.max()
            if inside.any():
                ax.contour(inside, levels=[0.5], colors=["#e69f00"], linewidths=1)
    _sound(row[3], sound, cmap="gray_r")
    if examined.cause is not None:
        _contour(row[3], examined.cause.log_mel)
    row[0].set_ylabel("the clip", color=INK)
    known = examined.cause is not None
    _say(row[4], "orange: where the cue of the\ntarget shows (rendered twice)" if known else "true cause: not known")


def _contour(ax: Any, cause: np.ndarray) -> None:
    left = -SAMPLES / RATE
    times = left + 0.01 * np.arange(cause.shape[1])
    ax.contour(
        times, np.arange(len(cause)), cause > 0.3 * cause.max(), levels=[0.5], colors=["#e69f00"], linewidths=0.8
    )


def _sound(ax: Any, values: np.ndarray, **image: Any) -> None:
    draw_spectrogram(ax, values, -SAMPLES / RATE, **image)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(labelsize=6)


def _verdicts(scores: "pd.DataFrame", method: str) -> str:
    """One line a check: face, voice."""
    part = scores[scores["method"] == method]
    if part.empty:
        return "no modality moves the\nprediction: nothing to check"
    table = part.pivot_table(index="check", columns="modality", values="value", dropna=False)
    lines = [f"{'':13}{'face':>6}{'voice':>7}"]
    for check in GOOD:
        if check in table.index:
            face, voice = (_number(table, check, modality) for modality in ("visual", "audio"))
            lines.append(f"{check:13}{face:>6}{voice:>7}")
    return "\n".join(lines)


def _number(table: "pd.DataFrame", check: str, modality: str) -> str:
    value = table[modality].to_dict().get(check, np.nan) if modality in table else np.nan
    return "–" if np.isnan(value) else f"{value:.2f}"


def _say(ax: Any, text: str) -> None:
    ax.axis("off")
    ax.text(0, 1, text, va="top", ha="left", fontsize=6.5, family="DejaVu Sans Mono", transform=ax.transAxes)


def _limit(values: np.ndarray, percentile: float) -> float:
    size = np.abs(values)
    return float(np.percentile(size, percentile)) or float(size.max()) or 1.0
