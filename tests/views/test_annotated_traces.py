"""Traces show what the table holds: gaps stay gaps, hours stay small, and the picture takes the page's colours."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from jcalib.views.annotated import STRIP, WIDTH, Annotator, picture_size
from jcalib.views.traces import describe, plot_traces, thinned, traces_svg


def predicted(frames: int = 100, seeds: bool = True, calibrated: bool = True) -> pd.DataFrame:
    time = np.arange(frames) / 25
    table = pd.DataFrame({"time": time})
    for target, value in (("valence", np.sin(time)), ("arousal", np.cos(time))):
        table[target] = 0.8 * value
        table[f"{target}_spread"] = 0.1 if seeds else np.nan
        table[f"{target}_low"], table[f"{target}_high"] = (
            (table[target] + end if calibrated else np.nan) for end in (-0.3, 0.3)
        )
    return table.assign(face=True, voice=True)


def test_lines_are_the_table() -> None:
    table = predicted()
    table.loc[40:59, [name for name in table.columns if name.startswith(("valence", "arousal"))]] = np.nan
    axes = plot_traces(table).axes
    assert len(axes) == 2
    for ax, target in zip(axes, ("valence", "arousal"), strict=True):
        line = ax.lines[0]
        np.testing.assert_array_equal(line.get_xdata(), table["time"])
        np.testing.assert_array_equal(line.get_ydata(), table[target])


def test_bands_are_there_only_where_they_are_known() -> None:
    def bands(table: pd.DataFrame) -> list[str]:
        return [text.get_text() for text in plot_traces(table).axes[0].get_legend().get_texts()]

    assert bands(predicted()) == ["90 % interval", "± sd of seeds", "mean of seeds"]
    assert bands(predicted(calibrated=False)) == ["± sd of seeds", "mean of seeds"]
    assert bands(predicted(seeds=False, calibrated=False)) == ["mean of seeds"]


def test_a_missing_modality_is_a_ribbon() -> None:
    table = predicted()
    table.loc[10:19, "face"] = False
    ribbons = plot_traces(table).axes[2]
    assert [tick.get_text() for tick in ribbons.get_yticklabels()] == ["no face"]
    (span,) = ribbons.collections[0].get_paths()
    assert span.get_extents().x0 == pytest.approx(0.4) and span.get_extents().x1 == pytest.approx(0.8)


def test_hours_stay_small() -> None:
    table = predicted(90_000)
    few = thinned(table)
    assert len(few) == 900 and few["time"].is_monotonic_increasing
    assert few["valence_low"].min() == table["valence_low"].min()
    assert few["arousal"].mean() == pytest.approx(table["arousal"].mean(), abs=1e-3)
    assert len(traces_svg(table, "joint", "long.mp4")) < 200_000


def test_the_picture_stands_in_any_page() -> None:
    svg = traces_svg(predicted(), "joint", 'a "quoted" <name>.mp4')
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img" and root.attrib["aria-label"].startswith(
        'Predicted traces of a "quoted" <name>'
    )
    assert "var(--trace, #0072b2)" in svg and "var(--ink, " in svg
    other = traces_svg(predicted(), "joint", "b.mp4")
    names = [
        {one.attrib["id"] for one in ElementTree.fromstring(part).iter() if "id" in one.attrib} for part in (svg, other)
    ]
    assert names[0] and not names[0] & names[1]
    assert traces_svg(predicted(), "joint", "b.mp4") == other


def test_what_is_not_predicted_is_said() -> None:
    table = predicted()
    assert "valence from -0.58 to +0.80" in describe(table, "a.mp4")
    table[["valence", "arousal"]] = np.nan
    assert "no valence: neither face nor voice" in describe(table, "a.mp4")
    plot_traces(table)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (360, 288), (63, 41)])
def test_every_shape_has_its_place(width: int, height: int) -> None:
    place = picture_size(width, height)
    assert place[0] == WIDTH and place[1] % 2 == 0 and place[1] <= 600
    assert abs(place[0] / place[1] - width / height) < 0.02 * width / height or place[1] == 600


def test_the_playhead_starts_again_on_every_page() -> None:
    table = predicted(25 * 45)
    draw = Annotator(table, np.full((len(table), 4), np.nan), "joint")
    shown = np.zeros((100, WIDTH, 3), np.uint8)
    heads = []
    for second in (0, 10, 19.96, 20, 44):
        canvas = draw(round(second * 25), shown, shown)
        assert canvas.shape == (100 + STRIP, WIDTH, 3)
        heads.append(int(canvas[110:280].min(axis=(0, 2)).argmax()))
    assert heads == pytest.approx([75, 430, 784, 75, 217], abs=2)


def test_the_box_is_where_the_face_is() -> None:
    """A picture 100 x 50 is shown twice as large in a place 300 wide: 50 pixels of black on either side."""
    boxes = np.array([[10, 5, 20, 30], [np.nan] * 4], float)
    draw = Annotator(predicted(2), boxes, "joint")
    shown = np.zeros((100, WIDTH, 3), np.uint8)
    picture = np.zeros((50, 100, 3), np.uint8)
    outline = np.argwhere(draw(0, picture, shown)[:100].any(axis=2))
    assert outline.min(axis=0).tolist() == [10, 300 + 20] and outline.max(axis=0).tolist() == [69, 300 + 59]
    assert not draw(1, picture, shown)[:100].any()
