"""Who prints in grey, or sees no difference between red and green, can still tell what is drawn together apart."""

import re
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from jcalib.fusion import named
from jcalib.reporting import pages
from jcalib.views import player
from jcalib.views.attention import _lightness
from jcalib.views.corpus import EPISODES, plot_recording
from jcalib.views.heat import DARK, DOWN, LIGHT, UP
from jcalib.views.shares import _PARTS, MARKERS
from jcalib.views.style import COLOURS, DASHES, SPARE, colour, dashes

SEEN = 8.0  # of L*: a step that one sees side by side
LEAST = 3.0  # contrast that WCAG 2 asks of lines and dots
SHEETS = (pages.TEMPLATES / "report.css").read_text() + (player.TEMPLATES / "player.css").read_text()
GROUNDS = sorted(set(re.findall(r"--(?:ground|surface|paper): (#\w{6})", SHEETS)))


def lightness(rgb: str) -> float:
    return float(_lightness(np.array([to_rgb(rgb)]))[0])


def luminance(rgb: str) -> float:
    """Of WCAG 2: 0 is black, 1 white."""
    parts = np.array(to_rgb(rgb))
    return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))


def contrast(rgb: str, other: str) -> float:
    low, high = sorted((luminance(rgb), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("ground", GROUNDS)
def test_lines_and_dots_stand_out_on_every_page_light_or_dark(ground: str) -> None:
    found = {rgb: contrast(rgb, ground) for rgb in (*COLOURS.values(), *SPARE)}
    assert {rgb: value for rgb, value in found.items() if value < LEAST} == {}


def test_every_named_fusion_has_a_colour_of_its_own() -> None:
    assert set(named()) <= set(COLOURS)
    assert len(set(COLOURS.values())) == len(COLOURS) and not set(SPARE) & set(COLOURS.values())


def test_no_two_lines_have_the_same_dashes() -> None:
    assert len({str(dashes(name)) for name in COLOURS}) == len(COLOURS)
    assert set(COLOURS) - set(DASHES) == {"joint"}, "joint alone is solid"


def test_the_two_that_are_compared_everywhere_differ_in_lightness_as_well() -> None:
    assert abs(lightness(colour("joint")) - lightness(colour("cross"))) >= SEEN


def test_dots_of_fusions_have_markers_and_the_parts_of_one_have_lines() -> None:
    assert len(set(MARKERS)) == len(MARKERS) >= 4
    assert len({str(line) for _, line in _PARTS.values()}) == len(_PARTS)


def test_the_cues_of_face_and_voice_have_lines_of_their_own() -> None:
    course = np.zeros((3, 2))
    fig = plot_recording(np.arange(3), course, {"visual": course, "audio": course}, {})
    lines = [line for ax in fig.axes for line in ax.get_lines() if "cue" in str(line.get_label())]
    assert len(lines) == 4 and len({line.get_linestyle() for line in lines}) == 2


def test_ribbons_differ_in_lightness_or_in_their_hatching() -> None:
    for (_, fill, hatch), (_, other, hatch_too) in combinations(EPISODES.values(), 2):
        assert hatch != hatch_too or abs(lightness(fill) - lightness(other)) >= SEEN


def test_face_is_lighter_than_voice_where_both_are_areas() -> None:
    """The voice's area is hatched, too."""
    assert lightness(colour("visual")) > lightness(colour("audio"))


def test_the_sign_of_a_map_over_a_picture_is_there_in_grey() -> None:
    up, down = ("#" + "".join(f"{part:02x}" for part in rgb) for rgb in (UP, DOWN))
    dark, light = (f"#{grey:02x}{grey:02x}{grey:02x}" for grey in (DARK, LIGHT))
    assert lightness(up) > lightness(light) + 5 and lightness(down) < lightness(dark) - 5
    assert lightness(up) > lightness(down) + 30
