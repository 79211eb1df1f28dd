"""Figures of the corpus and of an attribution: what they show, read from their artists."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from jcalib.explain import Attribution
from jcalib.views.attribution import plot_attribution, plot_window
from jcalib.views.corpus import mel_band, plot_contact_sheet, plot_recording, plot_spectrogram
from jcalib.views.style import save

RNG = np.random.default_rng(0)


@pytest.fixture
def attribution() -> Attribution:
    pictures, log_mel = RNG.normal(size=(8, 16, 16)) * 1e-3, RNG.normal(size=(64, 107)) * 1e-3
    total = pictures.sum() + log_mel.sum()
    return Attribution(pictures, log_mel, "valence", "blurred face", 0.25, 0.25 - total, 64, True)


@pytest.fixture
def clip() -> tuple[np.ndarray, np.ndarray]:
    return RNG.random((3, 8, 16, 16)), RNG.normal(size=(1, 64, 107))


def words(fig: Figure) -> str:
    """All that is written, subfigures too."""
    from matplotlib.text import Text

    return " | ".join(text.get_text() for text in fig.findobj(Text) if text.get_text())


def test_attribution_says_what_it_shows(attribution: Attribution, clip: tuple[np.ndarray, np.ndarray]) -> None:
    fig = plot_attribution(attribution, *clip, recording="person_003", second=6.72, percentile=98)
    said, total = words(fig), attribution.difference
    for phrase in (
        "person_003 at 6.72 s: valence predicted 0.250; at the baseline ",
        f"; difference {total:.3f}".replace("-", "−"),
        "blurred face",
        "The map adds up",
        "64 steps",
        "98th percentile",
        "valence a pixel",
        "valence a cell",
        "−1.12 s",
        "0.00 s",
        "time to the clip's end (s)",
        "(Hz)",
    ):
        assert phrase in said, phrase


def test_attribution_shows_every_picture_and_its_sum(
    attribution: Attribution, clip: tuple[np.ndarray, np.ndarray]
) -> None:
    fig = plot_attribution(attribution, *clip)
    faces, maps = fig.axes[:8], fig.axes[8:16]
    limit = np.percentile(np.abs(attribution.pictures), 99.5)
    for number, (face, ax) in enumerate(zip(faces, maps, strict=True)):
        np.testing.assert_allclose(face.images[0].get_array(), np.moveaxis(clip[0][:, number], 0, -1))
        drawn = ax.images[-1]
        np.testing.assert_array_equal(drawn.get_array(), attribution.pictures[number])
        assert drawn.get_clim() == pytest.approx((-limit, limit))
        assert float(ax.get_xlabel().replace("−", "-")) == pytest.approx(attribution.pictures[number].sum(), abs=6e-4)


def test_a_window_has_a_column_a_clip_on_one_scale_and_leaves_padding_out(attribution: Attribution) -> None:
    pictures, log_mel = RNG.normal(size=(4, 8, 16, 16)) * 1e-3, RNG.normal(size=(4, 64, 107)) * 1e-3
    pictures[0] = log_mel[0] = 0
    whole = replace(attribution, pictures=pictures, log_mel=log_mel, ends=(np.nan, 1.0, 2.28, 3.56))
    fig = plot_window(whole, "person_003", 3.56)
    faces, sounds, bars = fig.axes[:3], fig.axes[3:6], fig.axes[6:9]
    for number, (face, sound, bar) in enumerate(zip(faces, sounds, bars, strict=True), 1):
        np.testing.assert_array_equal(face.images[-1].get_array(), pictures[number].sum(axis=0))
        sums = [log_mel[number].sum(), pictures[number].sum()]
        assert [one.get_width() for one in bar.patches] == pytest.approx(sums)
        for ax, first in ((face, faces[0]), (sound, sounds[0])):
            low, high = ax.images[0].get_clim()
            assert low == -high and (low, high) == first.images[0].get_clim()
    said = words(fig)
    for phrase in ("−2.56 s", "0.00 s", "99.5th percentile", "valence a place", "valence a cell"):
        assert phrase in said, phrase


def test_a_map_that_misses_cannot_be_overlooked(attribution: Attribution, clip: tuple[np.ndarray, np.ndarray]) -> None:
    missed = replace(attribution, converged=False, steps=512)
    assert "DOES NOT ADD UP" in words(plot_attribution(missed, *clip))


def test_an_empty_map_is_drawn_and_named(attribution: Attribution, clip: tuple[np.ndarray, np.ndarray]) -> None:
    empty = replace(attribution, pictures=np.zeros((8, 16, 16)), log_mel=np.zeros((64, 107)))
    fig = plot_attribution(empty, torch.from_numpy(clip[0]), torch.from_numpy(clip[1]))
    assert "zero everywhere" in words(fig)
    fig.canvas.draw()


def test_attribution_text_stays_text(
    attribution: Attribution, clip: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    save(plot_attribution(attribution, *clip), tmp_path, "map")
    assert b"/Type /Font" in (tmp_path / "map.pdf").read_bytes()


def test_contact_sheet_puts_every_face_in_its_place() -> None:
    faces = [[np.full((24, 24, 3), 40 * row + 10 * column, np.uint8) for column in range(3)] for row in range(2)]
    faces[1][2] = None
    fig = plot_contact_sheet(faces, ["anna", "ben"], ["a", "b", "c"])
    (ax,) = fig.axes
    sheet = ax.images[0].get_array()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["anna", "ben"]
    for y, row in zip(ax.get_yticks(), range(2), strict=True):
        for x, column in zip(ax.get_xticks(), range(3), strict=True):
            expected = 242 if faces[row][column] is None else 40 * row + 10 * column
            assert (sheet[int(y), int(x)] == expected).all()
    assert [text.get_text() for text in ax.texts] == ["no face"]


def test_mel_bands_lie_where_torchaudio_has_them() -> None:
    """The filter with the largest gain for a frequency is the nearest band."""
    from torchaudio.functional import melscale_fbanks

    filters = melscale_fbanks(22_051, 0.0, 22_050.0, 64, 44_100)
    hertz = np.array([250, 1000, 4000, 12_000])
    np.testing.assert_allclose(mel_band(hertz, 64), filters[hertz].argmax(dim=1), atol=0.51)


def test_spectrogram_is_in_seconds_hertz_and_decibel() -> None:
    values = RNG.normal(size=(64, 200))
    fig = plot_spectrogram(values, start=2.0, title="anna")
    ax, bar = fig.axes
    left, right = ax.images[0].get_extent()[:2]
    assert (left, right) == pytest.approx((1.995, 3.995))
    np.testing.assert_allclose(ax.images[0].get_array(), 19.895 * values - 14.8)
    assert (ax.get_xlabel(), bar.get_ylabel()) == ("time (s)", "power (dB)")
    assert ax.get_ylabel().endswith("(Hz)")


def test_recording_shows_labels_cues_and_episodes() -> None:
    time = np.arange(100) / 25
    labels = RNG.uniform(-1, 1, (100, 2))
    labels[10:20] = np.nan
    cues = {"visual": RNG.normal(size=(100, 2)), "audio": RNG.normal(size=(100, 2))}
    posed = np.zeros(100, bool)
    posed[25:50] = posed[90:] = True
    fig = plot_recording(time, labels, cues, {"posed": posed, "face_lost": ~posed & False}, "anna")
    valence, arousal, ribbons = fig.axes[:3]
    np.testing.assert_array_equal(arousal.get_lines()[0].get_ydata(), labels[:, 1])
    twins = [ax for ax in fig.axes[3:] if ax.get_ylabel() == "cue (SD)"]
    np.testing.assert_array_equal(twins[0].get_lines()[1].get_ydata(), cues["audio"][:, 0])
    spans = [path.get_extents() for path in ribbons.collections[0].get_paths()]
    assert [(box.x0, box.x1) for box in spans] == [pytest.approx((1.0, 2.0)), pytest.approx((3.6, 4.0))]
    assert len(ribbons.collections[1].get_paths()) == 0
    assert [label.get_text() for label in ribbons.get_yticklabels()] == ["face posed", "face lost"]
    assert ribbons.get_xlabel() == "time (s)" and "valence" in valence.get_ylabel()
    fig.canvas.draw()


def test_recording_without_truth_has_no_ribbons() -> None:
    """A real recording: labels, and nothing known about what happens."""
    plot_recording(np.arange(50) / 25, RNG.uniform(-1, 1, (50, 2)), {}, {}).canvas.draw()
