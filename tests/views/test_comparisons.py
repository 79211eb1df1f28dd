"""Figures that compare fusions: the artists that must be there, and files that are the same bytes twice."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from jcalib.views import style
from jcalib.views.comparisons import plot_curves, plot_differences, plot_scores


@pytest.fixture
def differences() -> pd.DataFrame:
    rows = [
        ("concat", "cross", -0.045, -0.063, -0.027),
        ("joint", "cross", 0.021, 0.004, 0.038),
        ("mixer", "cross", 0.017, -0.001, 0.035),
        ("joint", "mixer", 0.004, -0.015, 0.023),
    ]
    table = pd.DataFrame(rows, columns=["a", "b", "difference", "low", "high"])
    return table.assign(target="mean", margin=0.02)


@pytest.fixture
def scores() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    level = {
        ("audio", "valence"): 0.2,
        ("audio", "arousal"): 0.6,
        ("joint", "valence"): 0.58,
        ("joint", "arousal"): 0.64,
    }
    rows = [(*key, seed, value + 0.01 * rng.normal()) for key, value in level.items() for seed in range(5)]
    return pd.DataFrame(rows, columns=["fusion", "target", "seed", "ccc"])


@pytest.fixture
def history() -> pd.DataFrame:
    rows = [
        {
            "fusion": fusion,
            "epoch": epoch,
            "seed": seed,
            "loss": 1 / epoch + 0.1 * seed,
            "selection_valence": 0.1 * epoch,
        }
        for fusion in ("joint", "cross")
        for epoch in range(1, 5)
        for seed in range(3)
    ]
    return pd.DataFrame(rows)


def segments(fig: Figure) -> dict[float, tuple[list[float], str]]:
    """The interval lines of a dot plot: {height: (ends, colour)}."""
    lines = [line for line in fig.axes[0].lines if len(line.get_xdata()) == 2 and line.get_linewidth() > 2]
    return {float(line.get_ydata()[0]): (list(line.get_xdata()), to_hex(line.get_color())) for line in lines}


class TestDifferences:
    def test_largest_first_with_its_interval_in_the_fusions_colour(self, differences: pd.DataFrame) -> None:
        fig = plot_differences(differences)
        names = [label.get_text() for label in fig.axes[0].get_yticklabels()]
        assert names == ["joint − cross", "mixer − cross", "joint − mixer", "concat − cross"]
        drawn = segments(fig)
        assert drawn[0] == ([0.004, 0.038], "#0072b2")
        assert drawn[1] == ([-0.001, 0.035], "#009e73")
        assert drawn[3] == ([-0.063, -0.027], style.colour("concat"))
        assert fig.axes[0].get_ylim() == (3.5, -0.5)

    def test_band_spans_the_margin_and_zero_is_marked(self, differences: pd.DataFrame) -> None:
        ax = plot_differences(differences.assign(margin=0.03)).axes[0]
        band = ax.patches[0].get_bbox()
        assert (band.x0, band.x1) == pytest.approx((-0.03, 0.03))
        assert any(list(line.get_xdata()) == [0, 0] for line in ax.lines)
        assert "margin of .03" in ax.get_xlabel()

    def test_numbers_stand_beside_the_dots(self, differences: pd.DataFrame) -> None:
        words = [text.get_text() for text in plot_differences(differences).axes[0].texts]
        assert ".021  [.004, .038]" in words
        assert "−.045  [−.063, −.027]" in words

    def test_two_targets_share_a_row(self, differences: pd.DataFrame) -> None:
        both = pd.concat([differences.assign(target=target) for target in ("arousal", "valence")])
        fig = plot_differences(both)
        assert len(fig.axes[0].get_yticklabels()) == 4
        heights = {text.get_text(): text.get_position()[1] for text in fig.axes[0].texts if text.get_text() in "VA"}
        assert heights["A"] - heights["V"] == pytest.approx(0.38)
        assert len(segments(fig)) == 8

    def test_an_undefined_interval_still_makes_a_figure(self, differences: pd.DataFrame, tmp_path: Path) -> None:
        fig = plot_differences(differences.assign(low=np.nan, high=np.nan))
        style.save(fig, tmp_path, "undefined")
        assert any("too few recordings" in text.get_text() for text in fig.axes[0].texts)


class TestScores:
    def test_each_fusion_has_a_v_and_an_a_at_the_mean_and_a_dot_a_seed(self, scores: pd.DataFrame) -> None:
        ax = plot_scores(scores).axes[0]
        assert [label.get_text() for label in ax.get_yticklabels()] == ["joint", "audio"]
        letters = {(text.get_text(), round(text.get_position()[1])): text.get_position()[0] for text in ax.texts}
        means = scores.groupby(["fusion", "target"])["ccc"].mean()
        assert letters["V", 0] == pytest.approx(means["joint", "valence"])
        assert letters["A", 1] == pytest.approx(means["audio", "arousal"])
        assert [len(dots.get_offsets()) for dots in ax.collections] == [5] * 4

    def test_valence_and_arousal_stand_apart_with_markers_of_their_own(self, scores: pd.DataFrame) -> None:
        ax = plot_scores(scores.assign(ccc=0.6)).axes[0]
        heights = {text.get_text(): text.get_position()[1] for text in ax.texts if round(text.get_position()[1]) == 0}
        assert heights["A"] - heights["V"] > 0.3, "neither covers the other, though both have one CCC"
        valence, arousal = (np.asarray(dots.get_offsets())[:, 1] for dots in ax.collections[:2])
        assert valence.max() < arousal.min() and heights["V"] == pytest.approx(valence.mean())
        shapes = [tuple(dots.get_paths()[0].vertices.shape) for dots in ax.collections[:2]]
        assert shapes[0] != shapes[1], "seeds' dots, too, tell apart in grey"

    def test_one_seed(self, scores: pd.DataFrame) -> None:
        ax = plot_scores(scores[scores["seed"] == 0]).axes[0]
        assert {round(float(np.asarray(dots.get_offsets())[0, 1])) for dots in ax.collections} == {0, 1}


class TestCurves:
    def test_a_panel_a_measure_and_a_line_and_band_a_fusion(self, history: pd.DataFrame) -> None:
        fig = plot_curves(history)
        assert [ax.get_title(loc="left") for ax in fig.axes] == ["training loss, 1 − CCC", "valence CCC, selection"]
        joint, cross = fig.axes[0].lines
        np.testing.assert_allclose(joint.get_ydata(), [1 / epoch + 0.1 for epoch in range(1, 5)])
        assert (to_hex(joint.get_color()), to_hex(cross.get_color())) == ("#0072b2", "#d55e00")
        assert joint.get_linestyle() != cross.get_linestyle()
        band = fig.axes[0].collections[0].get_paths()[0].get_extents()
        assert (band.y0, band.y1) == pytest.approx((0.25, 1.2))
        assert [text.get_text() for text in fig.legends[0].get_texts()] == ["joint", "cross"]

    def test_one_run_needs_no_legend(self, history: pd.DataFrame) -> None:
        fig = plot_curves(history[history["fusion"] == "joint"].drop(columns="fusion"))
        assert not fig.legends
        assert all(len(ax.lines) == 1 for ax in fig.axes)


class TestStyle:
    def test_save_writes_three_files_and_the_same_bytes_twice(self, differences: pd.DataFrame, tmp_path: Path) -> None:
        first = style.save(plot_differences(differences), tmp_path / "one", "differences", differences)
        time.sleep(1.1)  # a date in any of the files would have moved on
        second = style.save(plot_differences(differences), tmp_path / "two", "differences", differences)
        assert first.name == "differences.png"
        names = sorted(path.name for path in first.parent.iterdir())
        assert names == ["differences.csv", "differences.pdf", "differences.png"]
        for name in names:
            assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()
        read = pd.read_csv(first.with_suffix(".csv"))
        pd.testing.assert_frame_equal(read, differences)

    def test_png_is_200_dots_an_inch(self, tmp_path: Path) -> None:
        from matplotlib.image import imread

        fig, _ = style.figure(width=3, height=2)
        assert imread(style.save(fig, tmp_path, "size")).shape[:2] == (400, 600)

    def test_without_data_there_is_no_csv(self, tmp_path: Path) -> None:
        style.save(style.figure()[0], tmp_path, "bare")
        assert not (tmp_path / "bare.csv").exists()

    def test_figures_leave_matplotlibs_settings_and_pyplot_alone(self, scores: pd.DataFrame) -> None:
        import matplotlib
        import matplotlib.pyplot as plt

        before = dict(matplotlib.rcParams)
        plot_scores(scores)
        assert dict(matplotlib.rcParams) == before
        assert plt.get_fignums() == []

    def test_a_grid_of_axes_is_styled_throughout(self) -> None:
        fig, axes = style.figure(2, 3, sharex=True)
        assert axes.shape == (2, 3)
        assert not any(ax.spines["top"].get_visible() for ax in axes.flat)
        assert fig.get_layout_engine() is not None

    @pytest.mark.parametrize(
        ("low", "high"), [(-0.05, 0.1), (0.47, 0.72), (-0.011, 0.013), (0, 1), (0.594, 0.606), (-3, 12), (0, 2e-5)]
    )
    def test_every_tick_says_where_it_is(self, low: float, high: float) -> None:
        _, ax = style.figure(width=6.4, height=2.5)
        ax.set(xlim=(low, high), ylim=(low, high))
        for axis in (ax.xaxis, ax.yaxis):
            style.exact_ticks(axis)
            places, words = axis.get_majorticklocs(), [label.get_text() for label in axis.get_majorticklabels()]
            assert [float(word.replace("−", "-")) for word in words] == pytest.approx(list(places), abs=1e-9)
            assert len(set(words)) == len(words) >= 3
            assert not any(word.lstrip("−").startswith("0.") for word in words), "as papers print a CCC"

    def test_signed_ticks_have_a_plus_and_zero_has_none(self) -> None:
        _, ax = style.figure(width=6.4, height=2.5)
        ax.set_xlim(-0.04, 0.1)
        style.exact_ticks(ax.xaxis, signed=True)
        words = [label.get_text() for label in ax.get_xticklabels()]
        assert {"−.02", "0", "+.04"} <= set(words)

    def test_every_fusion_has_a_colour_of_its_own_and_strangers_a_steady_one(self) -> None:
        assert len({style.colour(name) for name in style.COLOURS}) == len(style.COLOURS) == 15
        assert style.colour("mine") == style.colour("mine") in style.SPARE
        assert style.colour("joint") == "#0072b2"
