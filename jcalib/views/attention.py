"""What a fusion attends to: correlation and attention maps as they are, and what each prediction depends on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jcalib.settings import UserError
from jcalib.views.style import BAND, DIM, INK, colour, figure, look

if TYPE_CHECKING:
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

WORDS = {"audio": "voice", "visual": "face"}
DIVERGING = "RdBu_r"


def plot_maps(
    maps: Mapping[str, ArrayLike],
    fusion: str = "",
    own_share: Mapping[str, float] | None = None,
    between: float = 1,
    unit: str = "clips",
) -> "Figure":
    """Draw a fusion's maps, voice beside face, on one scale.

    Joint's signed correlations (d, 2d) are feature by joint feature, with the border between the modality blocks;
    vanilla's attention (L, L) is clip by clip.

    Args:
        maps: `correlation_audio` and `correlation_visual`, or `attention_audio` and `attention_visual`, as
            `explain.attention_maps` gives them; arrays or tensors on the CPU. Maps beside these (a gate) are left out.
        fusion: its name, for the title and the colour.
        own_share: per modality, the share of the correlation's energy in its own block, to be written over it.
        between: time between two clips of a sequence.
        unit: of that time: "s", "steps" where nobody knows the seconds, or clips, which are 1 apart.

    Raises:
        UserError: no maps, or maps of a kind this figure does not know.
    """
    kinds: dict[str, dict[str, np.ndarray]] = {}
    for name, values in maps.items():
        kind, _, modality = name.rpartition("_")
        kinds.setdefault(kind, {})[modality] = np.asarray(values, dtype=float)
    drawn = {"correlation", "attention"} & set(kinds)
    with look():
        if drawn == {"correlation"}:
            return _plot_correlations(kinds["correlation"], fusion, own_share or {})
        if drawn == {"attention"}:
            return _plot_attentions(kinds["attention"], fusion, between, unit)
    raise UserError(
        f"fusion {fusion!r} has the maps {sorted(maps)}: "
        "this figure needs correlation_audio and correlation_visual, or attention_audio and attention_visual. "
        "Hand in the maps of joint, cross or mean."
    )


def plot_influence(
    influence: Mapping[tuple[str, str], ArrayLike],
    target: str,
    between: float = 1,
    unit: str = "clips",
    scale: str = "",
    role: str = "changed",
) -> "Figure":
    """Draw what each prediction depends on: every fusion in its own hue, all on one scale.

    Equal values have equal lightness in every hue, so that the scale is one in grey, too. Hatched: no sequence has
    both clips.

    Args:
        influence: (fusion, "audio" or "visual") to (L, L) in target units, row predicted, column changed.
        target: whose prediction it is.
        between, unit: time between two clips of a sequence, as in `plot_maps`.
        scale: what the values are; the spread of the predicted target by default.
        role: what becomes of the clips in the columns.
    """
    arrays = {key: np.asarray(values, dtype=float) for key, values in influence.items()}
    norm = _norm(arrays.values())
    columns = min(4, len(arrays))
    rows = -(-len(arrays) // columns)
    fig, axes = figure(rows, columns, 0.9 + 2.15 * columns, 0.5 + 2.2 * rows, grid="none", squeeze=False)
    meshes: dict[str, Any] = {}
    with look():
        for ax, ((fusion, modality), values) in zip(axes.flat, arrays.items(), strict=False):
            meshes[fusion] = _clip_mesh(ax, values, between, norm, hue(colour(fusion)))
            ax.set_title(f"{fusion}: {WORDS[modality]}")
            first = ax.get_subplotspec().is_first_col()
            ax.set(xlabel=f"clip that is {role} ({unit})", ylabel=f"clip that is predicted ({unit})" if first else "")
            ax.tick_params(labelleft=first)
        for ax in axes.flat[len(arrays) :]:
            ax.set_visible(False)
        _shared_scale(fig, axes, meshes, scale or f"spread of the predicted {target}")
        _say_unit(fig, unit)
    return fig


def _shared_scale(fig: "Figure", axes: Any, meshes: Mapping[str, Any], label: str) -> None:
    """One colour bar a hue, side by side in the panels' order; the outermost is placed first and has the numbers."""
    for number, mesh in enumerate(reversed(list(meshes.values()))):
        bar = _colour_bar(fig, mesh, axes, "" if number else label, pad=0.01)
        if number:
            bar.set_ticks([])


def hue(rgb: str) -> "Colormap":
    """A sequential colour map through one colour, with the same lightness at the same place for every colour.

    Args:
        rgb: the colour, as matplotlib takes it.

    Returns:
        From near white (L* = 98) through the colour to dark (L* = 22), linear in L*.
    """
    from matplotlib.colors import ListedColormap, to_rgb

    path = np.linspace(0, 2, 512)[:, None]
    base = np.array(to_rgb(rgb))
    colours = np.where(path < 1, 1 + (base - 1) * path, base * (2 - path))
    wanted = np.linspace(98, 22, 256)
    places = np.interp(-wanted, -_lightness(colours), path[:, 0])
    return ListedColormap(np.stack([np.interp(places, path[:, 0], channel) for channel in colours.T], axis=1))


def _lightness(rgb: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB (IEC 61966-2-1)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def _plot_correlations(arrays: dict[str, np.ndarray], fusion: str, own_share: Mapping[str, float]) -> "Figure":
    limit = _largest(np.abs(values) for values in arrays.values())
    fig, axes = figure(1, len(arrays), 4.9 * len(arrays), 2.75, grid="none", squeeze=False)
    for ax, (modality, values) in zip(axes.flat, arrays.items(), strict=True):
        features, joint = values.shape
        image = ax.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest", aspect="auto")
        ax.axvline(joint / 2 - 0.5, color=INK, linewidth=1.2)
        for block, start in (("audio", 0), ("visual", joint // 2)):
            ax.text(
                start + joint / 4,
                -0.02 * features,
                _block_label(block, modality, own_share),
                ha="center",
                va="bottom",
                fontsize=8,
                color=DIM,
            )
        ax.set_title(f"{fusion} {WORDS[modality]}: correlation C".lstrip(), pad=18)
        ax.set(xlabel="joint feature (number)", ylabel=f"{WORDS[modality]} feature (number)")
        ax.set_xticks([0, joint // 2, joint - 1])
        ax.set_yticks([0, features - 1])
    _colour_bar(fig, image, axes, "mean correlation (tanh, −1 to 1)")
    return fig


def _block_label(block: str, modality: str, own_share: Mapping[str, float]) -> str:
    if modality not in own_share:
        return f"{WORDS[block]} block"
    share = own_share[modality] if block == modality else 1 - own_share[modality]
    return f"{WORDS[block]} block: {100 * share:.0f} % of the energy"


def _plot_attentions(arrays: dict[str, np.ndarray], fusion: str, between: float, unit: str) -> "Figure":
    norm = _norm(arrays.values())
    fig, axes = figure(1, len(arrays), 0.9 + 3 * len(arrays), 3.0, grid="none", squeeze=False)
    for ax, (modality, values) in zip(axes.flat, arrays.items(), strict=True):
        mesh = _clip_mesh(ax, values, between, norm, hue(colour(fusion) if fusion else INK))
        other = WORDS["visual" if modality == "audio" else "audio"]
        ax.set_title(f"{fusion} {WORDS[modality]}: attention A".lstrip())
        ax.set(xlabel=f"clip that asks, by its {other} ({unit})", ylabel=f"attended {WORDS[modality]} clip ({unit})")
    bar = _colour_bar(fig, mesh, axes, "weight (each column adds up to 1)")
    _say_unit(fig, unit)
    uniform = 1 / len(values)
    bar.ax.axhline(uniform, color=INK, linewidth=1)
    bar.ax.annotate("1/L ", (0, uniform), ha="right", va="center", fontsize=7, color=DIM, annotation_clip=False)
    return fig


def _clip_mesh(ax: Any, values: np.ndarray, between: float, norm: "Normalize", cmap: "Colormap") -> Any:
    """Clip by clip, both axes in time before the window's end, the first clip at the top left."""
    from matplotlib.ticker import MaxNLocator

    edges = (np.arange(len(values) + 1) - len(values) + 0.5) * between
    ax.patch.set(facecolor=BAND, hatch="////", edgecolor="white")
    known = np.ma.masked_invalid(values)
    mesh = ax.pcolormesh(edges, edges, known, cmap=cmap, norm=norm, edgecolor="white", linewidth=0.6)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=True))
    return mesh


def _say_unit(fig: "Figure", unit: str) -> None:
    counted = "s: seconds" if unit == "s" else unit
    fig.supxlabel(f"{counted} from the window's end to the clip's end", fontsize=8, color=DIM)


def _colour_bar(fig: "Figure", mappable: Any, axes: Any, label: str, **where: Any) -> Any:
    bar = fig.colorbar(mappable, ax=axes, aspect=24, **where)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=DIM)
    bar.set_label(label, color=DIM)
    return bar


def _norm(arrays: Any) -> "Normalize":
    from matplotlib.colors import Normalize

    return Normalize(0, _largest(arrays))


def _largest(arrays: Any) -> float:
    """The scale's end; 1 where all maps are zero or empty, for there is nothing to scale."""
    largest = max((float(np.nanmax(values)) for values in arrays if np.isfinite(values).any()), default=0.0)
    return largest or 1.0
