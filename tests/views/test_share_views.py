"""Figures of shares: what they show, read from their artists; and the sentence that goes with them."""

import re

import numpy as np
import pandas as pd
import pytest

from jcalib.explain import (
    by_condition,
    differences,
    gating_sentences,
    looking_headline,
    looking_sentence,
    seeds_sentence,
)
from jcalib.views.shares import LEAST, plot_conditions, plot_course, plot_shares_under
from jcalib.views.style import colour

RNG = np.random.default_rng(0)
CLIPS, PERSONS = 60, 6


def clips_of(talk: float, seed: int) -> pd.DataFrame:
    """A table of clips in which the voice's cross-talk is `talk` on average, more so where a face is covered."""
    rng = np.random.default_rng(seed)
    person = np.arange(CLIPS) % PERSONS
    table = pd.DataFrame({"row": np.arange(CLIPS), "recording": [f"r{n}" for n in person], "person": person})
    table["time"] = np.arange(CLIPS) // PERSONS * 0.32
    looks = talk * (1 + 0.5 * (np.arange(CLIPS) >= 40)) + 0.01 * rng.normal(size=CLIPS)
    for modality in ("audio", "visual"):
        table[f"all_{modality}"], table[f"change_{modality}"], table[f"count_{modality}"] = 1 / CLIPS, 0.5, 1.0
        table[f"other_{modality}"] = looks / CLIPS
        table[modality] = rng.normal(size=CLIPS) * 0.2
    table["interaction"] = 0.1 * rng.normal(size=CLIPS)
    table["abs_audio"], table["abs_both"] = table["audio"].abs(), table["audio"].abs() + table["visual"].abs()
    return table.assign(abs_interaction=table["interaction"].abs(), count=1.0)


TABLES = {"joint": clips_of(0.4, 1), "cross": clips_of(0.1, 2)}
HAPPENS = pd.DataFrame({"nothing happens": np.arange(CLIPS) < 40, "face covered": np.arange(CLIPS) >= 40})
AVERAGES = by_condition(TABLES, HAPPENS)


def test_conditions_show_every_average_in_its_fusions_colour() -> None:
    fig = plot_conditions(AVERAGES, ["cross-talk, voice", "interaction"])
    first, second = fig.axes
    for container, name in zip(first.containers, TABLES, strict=True):
        line = container[0]
        mine = AVERAGES[(AVERAGES["fusion"] == name) & (AVERAGES["measure"] == "cross-talk, voice")]
        np.testing.assert_allclose(line.get_xdata(), mine["value"])
        assert line.get_color() == colour(name)
    assert [one.get_text() for one in first.get_yticklabels()] == [
        "all clips (60 clips)", "nothing happens (40 clips)", "face covered (20 clips)"
    ]  # fmt: skip
    assert "target units" in second.get_xlabel() and first.get_xlim()[0] == 0


def test_course_shows_values_on_one_scale_with_truth_below() -> None:
    time = np.arange(100) / 25
    truth = {"time": time, "face_covered": time > 2, "sign flips": np.abs(time - 1) < 0.1}
    fig = plot_course(TABLES, "r2", "valence", truth)
    joint, cross, both, ribbons = fig.axes
    one = TABLES["joint"][TABLES["joint"]["recording"] == "r2"]
    np.testing.assert_array_equal(joint.get_lines()[0].get_ydata(), one["audio"])
    np.testing.assert_array_equal(both.get_lines()[0].get_ydata(), one["interaction"])
    assert joint.get_ylim() == cross.get_ylim()
    assert [one.get_text() for one in ribbons.get_yticklabels()] == ["face covered", "sign flips"]
    grey = joint.collections[0].get_paths()
    assert bool(grey) == bool((one["abs_both"] <= LEAST).any())
    plot_course(TABLES, "r2", "valence").canvas.draw()


def test_no_line_of_a_course_crosses_a_legend() -> None:
    fig = plot_course(TABLES, "r2", "valence")
    fig.draw_without_rendering()
    legends = [ax.get_legend() for ax in fig.axes if ax.get_legend()]
    assert len(legends) == 2
    for legend in legends:
        box = legend.get_window_extent()
        assert all(min(box.y1, ax.bbox.y1) <= max(box.y0, ax.bbox.y0) for ax in fig.axes), "none lies in a panel"


@pytest.mark.parametrize(("kinds", "known"), [(1, True), (2, True), (6, True), (2, False)])
def test_shares_have_a_column_a_kind(kinds: int, known: bool) -> None:
    """Without intervals too, which one or two persons do not have."""
    end = 1.0 if known else np.nan
    table = pd.DataFrame([{"kind": f"kind {k}", "severity": p, "unit": f"unit {k}", "clean": p == 0,
                           "value": 0.5 - p / 4 - k / 100, "low": 0.1 * end, "high": 0.6 * end, "interaction": 0.1,
                           "interaction_low": 0.05 * end, "interaction_high": 0.2 * end}
                          for k in range(kinds) for p in (0.0, 0.3, 1.0)])  # fmt: skip
    fig = plot_shares_under({"joint": table, "cross": table}, "valence")
    shown = [ax for ax in fig.axes if ax.has_data()]
    assert len(shown) == 2 * kinds and not any(ax.get_visible() for ax in fig.axes if not ax.has_data())
    of_kind = {ax.get_title("left"): ax for ax in shown if ax.get_title("left")}
    for k in range(kinds):
        drawn = of_kind[f"kind {k}"].get_lines()[0].get_ydata()
        np.testing.assert_allclose(drawn, [0.5 - k / 100, 0.425 - k / 100, 0.25 - k / 100])
    units = {ax.get_xlabel(): [text.get_text() for text in ax.get_xticklabels()] for ax in shown if ax.get_xlabel()}
    assert units == {f"unit {k}": ["clean", ".3", "1"] for k in range(kinds)}
    fig.canvas.draw()


def test_the_sentence_says_who_looks_more_and_when() -> None:
    less = differences(TABLES, HAPPENS, "joint", "cross")
    short = looking_headline(AVERAGES, less, "joint", "cross")
    assert "The attended voice of `joint` depends on the face more than that of `cross`: cross-talk 0." in short
    said = looking_sentence(AVERAGES, less, "joint", "cross", "valence")
    assert re.search(
        r"the voice's difference lies between \+\S+ \S+ \S+ \(nothing.*?\) and \+.*? \(face covered\)", said
    )
    assert (
        "differ from those attended to by 0.50 for `joint` (face), 0.50 for `cross` (face), 0.50 for `joint` (voice)"
        in said
    )
    assert "4 of 4 such intervals leave 0 out" in said and "valence" in said


def test_the_sentence_does_not_see_what_is_not_there() -> None:
    alike = {"joint": clips_of(0.2, 3), "cross": clips_of(0.2, 4)}
    less = differences(alike, HAPPENS, "joint", "cross")
    said = looking_headline(by_condition(alike, HAPPENS), less, "joint", "cross")
    assert said.count("cannot be told to depend on") == 2 and "more than that" not in said


@pytest.mark.parametrize("persons", [1, 2])
def test_few_persons_have_no_verdict(persons: int) -> None:
    few = {name: table[table["person"] < persons].reset_index(drop=True) for name, table in TABLES.items()}
    said = looking_sentence(
        by_condition(few, HAPPENS), differences(few, HAPPENS, "joint", "cross"), "joint", "cross", "valence"
    )
    assert "too few conditions or persons" in said


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("voice replaced", (-0.1, -0.15, -0.05), "leaves the voice (its share moves by -.100 [-.150, -.050])"),
        ("face replaced", (-0.1, -0.15, -0.05), "listens more to the face (its share moves by +.100 [.050, .150])"),
        ("face noise", (0.1, -0.05, 0.25), "leaves the face cannot be told (its share moves by -.100 [-.250, .050])"),
        ("voice noise", (0.1, np.nan, np.nan), "of `joint` nothing can be said: too few recordings"),
    ],
)  # fmt: skip
def test_a_modality_is_left_where_its_own_share_falls(kind: str, change: tuple[float, ...], said: str) -> None:
    rows = [
        dict(zip(("change", "change_low", "change_high"), values, strict=True)) | {"kind": kind, "clean": clean}
        for values, clean in (((0.0,) * 3, True), ((0.5, 0.4, 0.6), False), (change, False))
    ]
    lag = [{"kind": "lag", "clean": False, "change": 1.0, "change_low": 1.0, "change_high": 1.0}]
    (sentence,) = gating_sentences({"joint": pd.DataFrame(rows + lag)})
    assert sentence.startswith(f"{kind}: ") and "`joint`" in sentence and said in sentence


def test_how_far_seeds_agree() -> None:
    table = pd.DataFrame({"fusion": ["joint", "joint", "cross"], "agreement": [0.3, 0.5, 0.7]})
    assert "by 0.40 for `joint` (0.30 to 0.50), 0.70 for `cross` (0.70 to 0.70)" in seeds_sentence(table)


def test_a_fusion_that_does_not_read_a_modality_is_not_compared_by_it() -> None:
    deaf = TABLES["cross"].assign(other_audio=0.0, all_audio=0.0)
    tables = {"joint": TABLES["joint"], "visual": deaf}
    averages, less = by_condition(tables, HAPPENS), differences(tables, HAPPENS, "joint", "visual")
    assert "attended voice of `joint` and of `visual` cannot be compared" in looking_headline(averages, less, *tables)
    assert "the face's difference lies" in looking_sentence(averages, less, *tables, "valence")
