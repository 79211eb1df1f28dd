"""Figures of maps and influence: what they show, read from their artists and never from pixels."""

import numpy as np
import pytest
import torch
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from jcalib.settings import UserError
from jcalib.views.attention import WORDS, hue, plot_influence, plot_maps
from jcalib.views.style import COLOURS

L = 5


def meshes(fig: Figure) -> list[QuadMesh]:
    return [mesh for ax in panels(fig) for mesh in ax.collections if isinstance(mesh, QuadMesh)]


def panels(fig: Figure) -> list:
    return [ax for ax in fig.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]


def influence(*keys: tuple[str, str]) -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(0)
    return {key: rng.random((L, L)) * (number + 1) for number, key in enumerate(keys)}


FOUR = [(fusion, modality) for fusion in ("joint", "cross") for modality in ("audio", "visual")]


def test_influence_has_a_panel_each_on_one_scale() -> None:
    given = influence(*FOUR)
    fig = plot_influence(given, "valence")
    assert [ax.get_title(loc="left") for ax in panels(fig)] == [
        "joint: voice",
        "joint: face",
        "cross: voice",
        "cross: face",
    ]
    largest = max(values.max() for values in given.values())
    for mesh, values in zip(meshes(fig), given.values(), strict=True):
        assert mesh.get_clim() == (0, largest)
        np.testing.assert_allclose(mesh.get_array().reshape(L, L), values)
    labels = [ax.get_ylabel() for ax in fig.axes if ax.get_label() == "<colorbar>"]
    assert sorted(labels) == ["", "spread of the predicted valence"]


def test_clips_are_where_their_seconds_say() -> None:
    """Row 0 is the first clip, 4 x 1.28 s before the window's end, and on top."""
    fig = plot_influence(influence(("joint", "audio")), "arousal", 1.28, "s")
    ax = panels(fig)[0]
    assert ax.get_xlabel().endswith("(s)") and ax.get_ylabel().endswith("(s)")
    corners = meshes(fig)[0].get_coordinates()
    np.testing.assert_allclose(corners[0, 0], [-4.5 * 1.28, -4.5 * 1.28])
    np.testing.assert_allclose(corners[-1, -1], [0.64, 0.64])
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_five_panels_take_two_rows() -> None:
    fig = plot_influence(influence(*FOUR, ("mixer", "audio")), "valence")
    assert len(meshes(fig)) == len(panels(fig)) == 5


def test_influence_that_nobody_saw_is_blank_and_does_not_spoil_the_scale() -> None:
    given = influence(("joint", "audio"), ("joint", "visual"))
    given["joint", "audio"][:, 0] = np.nan
    given["joint", "visual"][:] = np.nan
    fig = plot_influence(given, "valence")
    first, second = meshes(fig)
    assert first.get_clim() == second.get_clim() == (0, np.nanmax(given["joint", "audio"]))
    assert first.get_array().mask.reshape(L, L)[:, 0].all() and second.get_array().mask.all()


def test_zero_influence_has_a_scale(tmp_path: object) -> None:
    fig = plot_influence({("concat", "audio"): torch.zeros(L, L)}, "valence")
    assert meshes(fig)[0].get_clim() == (0, 1)
    fig.canvas.draw()


@pytest.mark.parametrize("name", COLOURS)
def test_equal_values_are_equally_light_in_every_hue(name: str) -> None:
    """L* by its definition, written out again here: linear from 98 to 22, whatever the hue."""
    rgb = hue(COLOURS[name])(np.linspace(0, 1, 256))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16
    np.testing.assert_allclose(lightness, np.linspace(98, 22, 256), atol=0.5)


def test_correlations_diverge_about_zero_on_one_scale_with_the_border_marked() -> None:
    rng = np.random.default_rng(1)
    maps = {
        "correlation_audio": rng.uniform(-0.2, 0.2, (6, 12)),
        "correlation_visual": rng.uniform(-0.7, 0.5, (6, 12)),
    }
    fig = plot_maps(maps, "joint", own_share={"audio": 0.62, "visual": 0.4})
    limit = np.abs(maps["correlation_visual"]).max()
    for ax, values in zip(panels(fig), maps.values(), strict=True):
        (image,) = ax.get_images()
        assert image.get_clim() == (-limit, limit)
        np.testing.assert_array_equal(image.get_array(), values)
        (border,) = ax.get_lines()
        assert list(border.get_xdata()) == [5.5, 5.5]
    audio, visual = ([text.get_text() for text in ax.texts] for ax in panels(fig))
    assert audio == ["voice block: 62 % of the energy", "face block: 38 % of the energy"]
    assert visual == ["voice block: 60 % of the energy", "face block: 40 % of the energy"]


def test_attention_is_sequential_with_own_time_in_rows() -> None:
    attention = torch.softmax(torch.randn(L, L, generator=torch.Generator().manual_seed(0)), dim=0)
    fig = plot_maps({"attention_audio": attention, "attention_visual": attention.mT}, "cross")
    first, second = meshes(fig)
    assert first.get_clim() == second.get_clim() == pytest.approx((0, float(attention.max())))
    np.testing.assert_allclose(second.get_array().reshape(L, L), attention.T)
    ax = panels(fig)[0]
    assert "voice" in ax.get_ylabel() and "face" in ax.get_xlabel()


@pytest.mark.parametrize(
    "maps",
    [
        {},
        {"gate": np.zeros((3, 3))},
        {"attention_audio": np.eye(2), "correlation_audio": np.eye(2)},
    ],
)
def test_maps_of_another_kind_are_refused(maps: dict[str, np.ndarray]) -> None:
    with pytest.raises(UserError, match="needs correlation_audio"):
        plot_maps(maps, "mine")


def test_a_gate_beside_the_correlations_does_not_keep_them_from_being_drawn() -> None:
    maps = {
        f"{kind}_{of}": np.zeros(shape) for of in WORDS for kind, shape in (("correlation", (3, 6)), ("gate", (4,)))
    }
    titles = [ax.get_title(loc="left") for ax in panels(plot_maps(maps, "gated"))]
    assert titles == ["gated voice: correlation C", "gated face: correlation C"]
