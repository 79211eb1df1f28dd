"""The player's file: it holds the playback's own arrays, nothing from outside, and stays small."""

import base64
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from references import external

from jcalib.explain import Playback
from jcalib.settings import UserError
from jcalib.views.heat import colour_ends
from jcalib.views.player import Player, notes, player_page
from jcalib.views.strip import FACES, plot_strip
from jcalib.views.style import save
from tests.played import FRAMES, Played


def embedded(page: str) -> dict[str, np.ndarray]:
    told = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    return {
        name: np.frombuffer(base64.b64decode(one["bytes"]), one["dtype"]).reshape(one["shape"])
        for name, one in told["arrays"].items()
    }


def test_the_page_holds_the_playback_s_arrays(played: Played) -> None:
    shown = played.playback
    found, wanted = embedded(player_page(shown)), shown.arrays()
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_the_page_is_whole_small_and_loads_nothing(played: Played, tmp_path: Path) -> None:
    path = Player(played.playback).write(tmp_path / "player.html")
    page = path.read_text()
    assert not external(page)
    assert path.stat().st_size < 1e6
    video = re.search(r"data:video/mp4;base64,([^\"]+)", page)[1]  # type: ignore[index]
    assert base64.b64decode(video) == played.playback.video


def test_a_name_cannot_break_the_page(played: Played) -> None:
    page = player_page(replace(played.playback, name="</script><b>x", episodes={"</script>": played.playback.seen}))
    assert "</script><b>x" not in page
    assert page.count("</script>") == 2
    assert "episodes/</script>" in embedded(page)


def test_a_notebook_shows_it_in_a_frame(played: Played) -> None:
    frame = Player(played.playback)._repr_html_()
    source = re.search(r'srcdoc="(.*?)" title', frame, re.S)[1]  # type: ignore[index]
    assert unescape(source) == player_page(played.playback)


def test_a_player_that_is_too_large_says_so(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playback, "video", bytes(9_500_000))
    with pytest.raises(UserError, match=r"has 1\d\.\d MB: it has to stay under 10"):
        Player(replace(played.playback))


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion", "grad_cam"])
def test_only_what_adds_up_is_summed_and_only_what_has_a_unit_is_given_one(played: Played, method: str) -> None:
    shown = replace(played.playback, method=method)
    page, maps = player_page(shown), notes(shown)[1]
    complete = method == "integrated_gradients"
    assert ("add up (within" in maps) == ("is added to the prediction" in maps) == complete
    assert ("need not add up" in maps) == (not complete) and "adds to" not in page
    assert json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])["complete"] == complete  # type: ignore[index]
    ends = colour_ends(shown, "arousal")
    assert (" arousal a place of the face" in ends) == (method != "grad_cam") == ("no unit" not in ends)
    assert ends in " ".join(plot_strip(shown, "arousal").get_supxlabel().split())


def test_no_end_of_colours_is_told_of_a_map_that_there_is_not(played: Played) -> None:
    shown = played.playback
    mute, faceless = replace(shown, heard=np.zeros_like(shown.heard)), replace(shown, face_frames=np.zeros(0, int))
    assert "a cell of the sound" not in colour_ends(mute, "valence")
    assert "valence a place of the face: the 99.5th" in colour_ends(mute, "valence")
    assert "a place of the face" not in colour_ends(faceless, "valence")
    assert colour_ends(replace(mute, face_frames=faceless.face_frames), "valence") == ""


def test_hatched_is_what_no_clip_with_a_map_hears(played: Played) -> None:
    page, under = player_page(played.playback), plot_strip(played.playback).get_supxlabel().split()
    assert "Hatched: no clip with a map hears it." in " ".join(under)
    assert "hatched: no clip with a map hears it" in page and "heard by no clip with a map" in notes(played.playback)[2]


def test_sound_under_two_maps_is_told_where_clips_of_sound_overlap(played: Played) -> None:
    fast = replace(played.playback, spans=(32 / 50, 1.067))
    assert "adds up what it adds to each" in notes(fast)[2] and "each" not in notes(played.playback)[2]


def test_the_strip_draws_the_same_arrays(played: Played, tmp_path: Path) -> None:
    shown = played.playback
    fig = plot_strip(shown, "arousal")
    for number, fusion in enumerate(("joint", "cross")):
        track = shown.track(fusion, "arousal")
        np.testing.assert_array_equal(fig.axes[2 * number + 1].images[1].get_array(), track.sound)
        lines = {line.get_label(): line for line in fig.axes[4].lines}
        np.testing.assert_array_equal(lines[fusion].get_ydata(), track.prediction)
    np.testing.assert_array_equal(lines["true"].get_ydata(), shown.true[:, 1])
    save(fig, tmp_path, "strip", dpi=300)
    assert b"/Image" in (tmp_path / "strip.pdf").read_bytes() and b"/Font" in (tmp_path / "strip.pdf").read_bytes()


def test_every_face_of_the_strip_has_its_time_and_says_whether_its_map_adds_up(played: Played) -> None:
    shown = played.playback
    tracks = {key: replace(one, good=np.zeros_like(one.good)) for key, one in shown.tracks.items()}
    for playback, mark in ((replace(shown, tracks=tracks), "*"), (_all_good(shown), "")):
        fig = plot_strip(playback)
        for row in (fig.axes[0], fig.axes[2]):
            words = [inset.get_title() for inset in row.child_axes]
            seconds = [float(word.rstrip(" s*")) for word in words]
            assert len(seconds) == FACES and np.diff(seconds) == pytest.approx(FRAMES / 25 / FACES, abs=0.1)
            with_map = [not inset.texts for inset in row.child_axes]
            assert [word.endswith("*") for word in words] == [bool(mark) and one for one in with_map]
    assert "*: its map does not add up" in plot_strip(replace(shown, tracks=tracks)).get_supxlabel()
    assert "*" not in plot_strip(_all_good(shown)).get_supxlabel()


def _all_good(shown: Playback) -> Playback:
    return replace(shown, tracks={key: replace(one, good=one.good | True) for key, one in shown.tracks.items()})


def test_the_strip_of_a_video_without_sound_says_so(played: Played, tmp_path: Path) -> None:
    shown, none = played.playback, np.zeros((32, 0), np.int8)
    tracks = {key: replace(track, sound=none) for key, track in shown.tracks.items()}
    mute = replace(shown, tracks=tracks, spectrogram=np.zeros((64, 0), np.uint8), heard=np.zeros(0, bool))
    fig = plot_strip(mute)
    fig.savefig(tmp_path / "mute.png")
    assert [one.get_text() for one in fig.axes[1].texts] == ["no sound"]


@pytest.mark.parametrize("width", [5.0, 7.2])
def test_what_is_said_under_the_strip_is_not_cut_off(played: Played, width: float) -> None:
    fig = plot_strip(played.playback, "arousal", width)
    fig.canvas.draw()
    under = fig._supxlabel.get_window_extent()
    assert under.x0 >= 0 and under.x1 <= fig.bbox.x1


def test_the_strip_of_a_video_without_labels_has_no_true_line(played: Played) -> None:
    unlabelled = replace(played.playback, true=np.full_like(played.playback.true, np.nan))
    labels = [line.get_label() for ax in plot_strip(unlabelled).axes for line in ax.lines]
    assert "true" not in labels and "joint" in labels
