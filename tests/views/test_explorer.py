"""The explorer by its traits, without a browser: what it draws follows its controls, and a fault is one line."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from jcalib.explain import Playback
from jcalib.progress import stage
from jcalib.settings import UserError
from jcalib.views.explorer import FACE, GAP, WIDTH, Explorer, _Live
from jcalib.views.heat import blend, paled, scaled
from tests.played import LOST, Played


@pytest.fixture
def asked() -> list[tuple[str, str, Any]]:
    return []


@pytest.fixture
def explorer(played: Played, asked: list[tuple[str, str, Any]]) -> Explorer:
    def load(recording: str, target: str, seed: int | None) -> Playback:
        asked.append((recording, target, seed))
        if recording == "p5":
            raise UserError("p5 cannot be read: its video is damaged.")
        if recording == "p6":
            raise ZeroDivisionError("by nothing")
        return played.playback

    return Explorer(load, ["p4", "p5", "p6"], seeds=(0, 1))


@pytest.fixture
def live(explorer: Explorer) -> _Live:
    return _Live(explorer, ["p4", "p5", "p6"], "valence", [0, 1])


def drawn(live: _Live) -> np.ndarray:
    return (imread(BytesIO(live.image.value), format="png")[..., :3] * 255).round().astype(np.uint8)


def test_the_face_is_painted_with_the_playback_s_own_map(live: _Live, played: Played) -> None:
    live.frame.value = 40
    shown = played.playback
    near = shown.face_at(40)
    assert near is not None
    face = scaled(paled(shown.pictures[40]), (FACE, FACE))
    wanted = blend(face, scaled(shown.track("joint", "valence").face[near], (FACE, FACE)))
    np.testing.assert_array_equal(drawn(live)[GAP : GAP + FACE, :FACE], wanted)
    live.frame.value = LOST[3]
    np.testing.assert_array_equal(
        drawn(live)[GAP : GAP + FACE, :FACE], scaled(paled(shown.pictures[LOST[3]]), (FACE, FACE))
    )
    assert "no face in this frame" in live.line.value


def test_a_moved_slider_moves_the_playhead_and_nothing_is_loaded(live: _Live, asked: list[Any]) -> None:
    heads = []
    for frame in (20, 60):
        live.frame.value = frame
        column = (drawn(live)[GAP + 190, FACE + 100 :] == (20, 24, 32)).all(axis=-1)
        heads.append(int(np.flatnonzero(column)[0]))
        assert f"<b>{frame / 25:.2f} s</b>" in live.line.value
    assert heads[1] - heads[0] == pytest.approx(40 / 111 * (WIDTH - FACE - 114), abs=3)
    assert asked == [("p4", "valence", None)]


@pytest.mark.parametrize(("control", "value"), [("fusion", "cross"), ("target", "arousal")])
def test_a_switch_changes_the_picture(live: _Live, control: str, value: str) -> None:
    live.frame.value = 40
    before = drawn(live)
    getattr(live, control).value = value
    assert (drawn(live) != before).mean() > 0.01
    assert f"maps explain {live.fusion.value} at 2.52 s" in live.line.value


def test_a_seed_is_loaded_once(live: _Live, asked: list[Any]) -> None:
    for value in (1, None, 1):
        live.seed.value = value
    assert asked == [("p4", "valence", None), ("p4", "valence", 1)]


@pytest.mark.parametrize(
    ("choice", "said"),
    [(None, "choose a recording"), ("p5", "its video is damaged."), ("p6", "ZeroDivisionError: by nothing")],
)
def test_what_goes_wrong_is_one_line(live: _Live, choice: str | None, said: str) -> None:
    live.recording.value = choice
    assert said in live.line.value and "Traceback" not in live.line.value
    live.frame.value = 3  # and the controls go on working
    live.recording.value = "p4"
    assert "maps explain" in live.line.value


def test_no_recording_at_all_is_said() -> None:
    live = _Live(Explorer(lambda *_: pytest.fail("nothing to load"), []), [], "valence", [])
    assert "choose a recording" in live.line.value


def test_a_computation_says_how_far_it_is(played: Played) -> None:
    heard = []

    def load(*_: object) -> Playback:
        with stage("explain p4", 3) as work:
            work.advance()
            heard.append(live.line.value)
        return played.playback

    live = _Live(Explorer(lambda *_: played.playback, ["p4"]), ["p4"], "valence", [])
    live._explorer = Explorer(load, ["p4"])
    live._chosen()
    assert heard == ["computing: explain p4, 1 of 3 clips"]
