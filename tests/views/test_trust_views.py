"""Figures of maps with their checks: what they show, read from their artists."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text

from jcalib.explain import Attribution
from jcalib.explain.truth import Cause
from jcalib.views.trust import GOOD, plot_curves, plot_methods, plot_trust, trust_caption, trust_tables

RNG = np.random.default_rng(0)
SIDE = 16
NAMES = ("integrated_gradients", "occlusion")


def words(fig: Figure) -> str:
    return " | ".join(text.get_text() for text in fig.findobj(Text) if text.get_text())


def examined(known: bool = True) -> Any:
    def one(name: str) -> Attribution:
        pictures, log_mel = RNG.normal(size=(8, SIDE, SIDE)), RNG.normal(size=(64, 107))
        return Attribution(pictures, log_mel, "valence", "blurred", 0.3, 0.1, 32, True, name)

    inputs = {"pictures": torch.rand(3, 8, SIDE, SIDE), "log_mel": torch.rand(1, 64, 107)}
    shown = [{"method": name, "modality": modality} for name in (*NAMES, "uniform") for modality in ("visual", "audio")]
    scores = [row | {"check": check, "value": 0.25} for row in shown for check in ("deletion", "AUROC")]
    curves = [row | {"fraction": f, "deletion": 1 - f, "insertion": f} for row in shown for f in (0.0, 0.5, 1.0)]
    cause = Cause(np.abs(RNG.normal(size=(8, SIDE, SIDE))), np.abs(RNG.normal(size=(64, 107)))) if known else None
    return SimpleNamespace(
        clip=SimpleNamespace(recording="person_009", second=3.2, **inputs),
        maps={name: one(name) for name in NAMES},
        cause=cause,
        scores=pd.DataFrame(scores).assign(recording="person_009"),
        curves=pd.DataFrame(curves),
    )


@pytest.mark.parametrize("known", [True, False])
def test_every_method_is_a_row_with_its_checks(known: bool) -> None:
    one = examined(known)
    fig = plot_methods(one, "valence", percentile=98)
    axes = np.array(fig.axes).reshape(3, 5)
    for row, (name, found) in zip(axes[1:], one.maps.items(), strict=True):
        drawn = row[0].images[-1]
        np.testing.assert_array_equal(drawn.get_array(), found.pictures[0])
        limit = np.percentile(np.abs(found.pictures), 98)
        assert drawn.get_clim() == pytest.approx((-limit, limit))
        np.testing.assert_array_equal(row[3].images[0].get_array(), found.log_mel)
        assert row[0].get_ylabel() == name.replace("_", "\n")
        assert "AUROC" in row[4].texts[0].get_text() and "0.25" in row[4].texts[0].get_text()
    said = words(fig)
    assert "98th percentile" in said and "person_009 at 3.20 s" in said and "(s)" in said and "(Hz)" in said
    assert ("orange" in said) == known and ("not known" in said) != known
    fig.canvas.draw()


def test_curves_are_drawn_in_percent_for_every_method() -> None:
    fig = plot_curves(examined())
    deletion, insertion = fig.axes[:2]
    assert [line.get_label() for line in deletion.get_lines()] == ["integrated gradients", "occlusion", "uniform"]
    np.testing.assert_allclose(deletion.get_lines()[0].get_xdata(), [0, 50, 100])
    np.testing.assert_allclose(insertion.get_lines()[0].get_ydata(), [0, 0.5, 1])
    assert len({line.get_linestyle() for line in deletion.get_lines()}) > 1, "lines tell apart in grey"


def test_trust_shows_every_check_and_which_maps_know_nothing() -> None:
    pairs = [(check, method) for check in ("deletion", "AUROC", "energy ratio") for method in ("occlusion", "edges")]
    found = pd.DataFrame(pairs, columns=["check", "method"]).assign(modality="visual", value=0.6, low=0.5, high=0.7)
    found["clusters"] = np.where(found["check"] == "deletion", 5, 20)
    fig = plot_trust(found, "visual")
    shown = [ax for ax in fig.axes if ax.get_visible()]
    assert {ax.get_title(loc="left") for ax in shown} == {"deletion", "AUROC", "energy ratio"}
    for ax in shown:
        check = ax.get_title(loc="left")
        assert ax.get_xlabel() == f"{GOOD[check]}\n{5 if check == 'deletion' else 20} clips"
        method, control = (container[0] for container in ax.containers)
        assert method.get_markerfacecolor() != "white" == control.get_markerfacecolor()
    fig.canvas.draw()


def summed() -> pd.DataFrame:
    """Two methods with every check on 18 clips, on 5 where a map is made again; two controls with some of them."""
    rows = [(check, name) for check in GOOD for name in NAMES]
    rows += [(check, name) for check in ("deletion", "pointing") for name in ("uniform", "edges")]
    found = pd.DataFrame(rows, columns=["check", "method"]).assign(modality="audio", value=0.9, low=0.7, high=1.1)
    return found.assign(clusters=np.where(found["check"].str.contains("random|sens"), 5, 18))


def test_checks_without_controls_have_no_empty_rows() -> None:
    shown = [ax for ax in plot_trust(summed(), "audio").axes if ax.get_visible()]
    assert [ax.get_title(loc="left") for ax in shown][:2] == ["deletion", "pointing"] and len(shown) == len(GOOD)
    for ax in shown:
        rows = 4 if ax.get_title(loc="left") in ("deletion", "pointing") else 2
        assert len(ax.containers) == rows and ax.get_ylim() == (rows - 0.5, -0.5)


def test_a_correlation_s_axis_has_zero_and_its_interval_ends_where_it_must() -> None:
    panels = {ax.get_title(loc="left"): ax for ax in plot_trust(summed(), "audio").axes}
    for check in ("random head", "random fusion", "random encoders"):
        assert panels[check].get_xlim()[0] <= 0 and "lower is better" in panels[check].get_xlabel()
    for check, end in (("AUROC", 1.0), ("energy ratio", 1.1)):
        bar = panels[check].containers[0][2][0].get_segments()[0]
        assert bar[:, 0] == pytest.approx([0.7, end])


def test_the_caption_counts_the_clips_of_the_modality() -> None:
    assert "the voice's maps over 5 to 18 clips" in trust_caption(summed(), "audio")
    assert "over 18 clips" in trust_caption(summed()[:2], "audio")
    assert "No clip" in trust_caption(summed()[:0], "audio")


def test_tables_of_checks_are_narrow_and_end_at_their_bounds() -> None:
    found = summed()
    methods, controls = trust_tables(found, "audio")
    assert list(methods.columns) == ["integrated gradients", "occlusion"] and list(methods.index) == list(GOOD)
    assert list(controls.columns) == ["uniform", "edges"] and list(controls.index) == ["deletion", "pointing"]
    assert methods.loc["pointing", "occlusion"] == ".90 [.70, 1.00]" == controls.loc["pointing", "edges"]
    assert methods.loc["energy ratio", "occlusion"] == ".90 [.70, 1.10]"
    assert (found["high"] == 1.1).all(), "the numbers stay"
    assert trust_tables(found[:0], "audio") == []


def test_nothing_to_check_is_a_figure_all_the_same() -> None:
    empty = examined()
    empty.scores, empty.curves = empty.scores[:0], empty.curves[:0]
    assert "nothing to check" in words(plot_methods(empty, "valence"))
    plot_curves(empty).canvas.draw()
    nothing = plot_trust(pd.DataFrame(columns=["modality", "check", "method", "value", "low", "high"]), "audio")
    assert "No clip is moved by this modality" in words(nothing)
    nothing.canvas.draw()
