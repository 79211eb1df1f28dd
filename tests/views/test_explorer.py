"""The explorer by its traits, without a browser: what it draws follows its controls, and a fault is one line."""

import gc
import weakref
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from jcalib.explain import METHODS, Attending, Playback, attending
from jcalib.explain.looking import Windows
from jcalib.explain.methods import COMPLETE
from jcalib.progress import stage
from jcalib.settings import UserError
from jcalib.views.explorer import MEAN, PLAYBACKS, Explorer, Live
from jcalib.views.explorer_picture import FACE, GAP, GROUND, MAP_HEIGHT, MAP_TOPS, MAP_WIDTH, WIDTH, map_picture
from jcalib.views.heat import blend, paled, scaled
from tests.played import LOST, Played

Asked = list[tuple[str, str, str, Any]]


@pytest.fixture
def asked() -> Asked:
    return []


@pytest.fixture
def live(played: Played, asked: Asked) -> Live:
    real = Explorer.of(played.runs, played.corpus, played.features, "p4")

    def load(recording: str, target: str, method: str, seed: int | None) -> Playback:
        asked.append((recording, target, method, seed))
        if recording == "damaged":
            raise UserError("damaged cannot be read: its video has no end.")
        if recording == "odd":
            raise ZeroDivisionError("by nothing")
        return real.playback(recording, target, method, seed)

    return Live(Explorer(load, real.attending, ["p4", "damaged", "odd"], METHODS, seeds=(0, 1)))


def drawn(live: Live) -> np.ndarray:
    return (imread(BytesIO(live.image.value), format="png")[..., :3] * 255).round().astype(np.uint8)


def test_the_face_is_painted_with_the_playback_s_own_map(live: Live, played: Played) -> None:
    live.frame.value = 40
    shown = played.playback
    near = shown.face_at(40)
    assert near is not None
    face = scaled(paled(shown.pictures[40]), (FACE, FACE))
    values = live._explorer.playback("p4", "valence", "integrated_gradients").track("joint", "valence").face[near]
    np.testing.assert_array_equal(drawn(live)[GAP : GAP + FACE, :FACE], blend(face, scaled(values, (FACE, FACE))))
    live.frame.value = LOST[3]
    np.testing.assert_array_equal(
        drawn(live)[GAP : GAP + FACE, :FACE], scaled(paled(shown.pictures[LOST[3]]), (FACE, FACE))
    )
    assert "no face in this frame" in live.line.value


@pytest.mark.parametrize("fusion", ["joint", "cross"])
def test_the_maps_are_those_that_the_fusion_computes_for_the_window_at_the_playhead(
    played: Played, fusion: str
) -> None:
    run = next(one for one in played.runs if one.settings.fusion == fusion)
    found = attending(run, played.features, "p4", seed=1)
    number = [info.name for info in played.features.recordings].index("p4")
    windows = Windows.of(played.features, [number], run.settings.training.clips, dense=True)
    with torch.no_grad():
        maps = run.fusion(1)(windows.audio, windows.visual, windows.mask, maps=True).maps
    first, count = played.features.span(number)
    assert found.kind == {"joint": "correlation", "cross": "attention"}[fusion] and found.seed == 1
    for modality, values in found.maps.items():
        assert len(values) == count
        wanted = maps[f"{found.kind}_{modality}"].numpy()
        for row in (0, count // 2, count - 1):
            window = np.nonzero((windows.rows == first + row) & windows.counted)[0][0]
            back = values[row] / 127 * found.limit
            np.testing.assert_allclose(back, wanted[window].clip(-found.limit, found.limit), atol=found.limit / 200)


def test_the_map_of_the_window_at_the_playhead_is_drawn(live: Live) -> None:
    shown = live._explorer.playback("p4", "valence", "integrated_gradients")
    for fusion, modality, wide in (("cross", "visual", MAP_HEIGHT), ("joint", "audio", MAP_WIDTH)):
        live.fusion.value = fusion
        found = live._explorer.attending("p4", fusion)
        for frame in (5, 100):
            live.frame.value = frame
            top = MAP_TOPS[modality]
            wanted = map_picture(found.maps[modality][shown.row_at(frame)], signed=fusion == "joint")
            np.testing.assert_array_equal(drawn(live)[top : top + MAP_HEIGHT, :wide], wanted)


def test_signs_are_told_apart_in_grey_too() -> None:
    painted = map_picture(np.array([[127, 0], [-127, 0]], np.int8), signed=True).astype(float)
    light = painted @ [0.299, 0.587, 0.114]
    top, bottom = light[: MAP_HEIGHT // 2, :100], light[MAP_HEIGHT // 2 :, :100]
    assert bottom.max() < top.min() - 60 and np.abs(light[:, 200:] - GROUND).max() < 1


def test_a_fusion_without_maps_has_none_drawn(played: Played) -> None:
    none = Attending("joint", 0, "", {}, 1.0)
    explorer = Explorer(lambda *_: played.playback, lambda *_: none, ["p4"], METHODS)
    top = MAP_TOPS["visual"]
    assert (drawn(Live(explorer))[top : top + MAP_HEIGHT, :MAP_WIDTH] == 255).all()


def test_a_moved_slider_moves_the_playhead_and_nothing_is_loaded(live: Live, asked: Asked) -> None:
    heads = []
    for frame in (20, 60):
        live.frame.value = frame
        column = (drawn(live)[GAP + 196, FACE + 100 :] == (20, 24, 32)).all(axis=-1)  # between two lanes
        heads.append(int(np.flatnonzero(column)[0]))
        assert f"<b>{frame / 25:.2f} s</b>" in live.line.value
    assert heads[1] - heads[0] == pytest.approx(40 / 111 * (WIDTH - FACE - 114), abs=3)
    assert asked == [("p4", "valence", "integrated_gradients", None)]


@pytest.mark.parametrize(
    ("control", "value"), [("fusion", "cross"), ("target", "arousal"), ("method", "grad_cam"), ("seed", 1)]
)
def test_a_switch_changes_the_picture(live: Live, control: str, value: Any) -> None:
    live.frame.value = 40
    before = drawn(live)
    getattr(live, control).value = value
    assert (drawn(live) != before).mean() > 0.01
    assert f"maps explain {live.fusion.value} at 2.52 s" in live.line.value


def test_sums_are_said_of_maps_that_add_up(live: Live) -> None:
    for method in METHODS:
        live.method.value = method
        assert (": face " in live.line.value) == (method in COMPLETE) == live._playback.complete, method


def test_a_seed_is_loaded_once_and_the_mean_has_a_name(live: Live, asked: Asked) -> None:
    assert live.seed.label == live.seed.value == MEAN, "a Dropdown shows an empty box for the value None"
    for value in (1, MEAN, 1):
        live.seed.value = value
    assert [one[3] for one in asked] == [None, 1]


@pytest.mark.parametrize(
    ("choice", "said"),
    [(None, "choose a recording"), ("damaged", "its video has no end."), ("odd", "ZeroDivisionError: by nothing")],
)
def test_what_goes_wrong_is_one_line(live: Live, choice: str | None, said: str) -> None:
    live.recording.value = choice
    assert said in live.line.value and "Traceback" not in live.line.value
    live.frame.value = 3  # and the controls go on working
    live.recording.value = "p4"
    assert "maps explain" in live.line.value


@pytest.mark.parametrize("control", ["seed", "method"])
def test_an_empty_choice_is_one_line(live: Live, control: str) -> None:
    getattr(live, control).value = None
    assert f"choose a {control}: none is chosen" in live.line.value


def test_no_recording_at_all_is_said() -> None:
    def none(*_: Any) -> Any:
        pytest.fail("nothing to load")

    live = Live(Explorer(none, none, [], METHODS))
    assert "choose a recording" in live.line.value


def test_a_computation_says_how_far_it_is(live: Live, played: Played) -> None:
    heard = []

    def load(*_: object) -> Playback:
        with stage("explain p4", 3) as work:
            work.advance()
            heard.append(live.line.value)
        return played.playback

    live._explorer._load = load
    live.method.value = "occlusion"
    assert heard == ["computing: explain p4, 1 of 3 clips"]


def test_what_is_not_known_is_a_dash(played: Played) -> None:
    shown = played.playback
    tracks = {
        key: replace(track, prediction=np.full_like(track.prediction, np.nan)) for key, track in shown.tracks.items()
    }
    explorer = Explorer.of(played.runs, played.corpus, played.features)
    line = explorer.words(replace(shown, tracks=tracks), "joint", "valence", 0)
    assert "nan" not in line and "joint – " in line and "cross – " in line


@pytest.mark.parametrize(("control", "value"), [("recording", "damaged"), ("method", None)])
def test_no_picture_of_another_choice_stays_after_an_error(live: Live, control: str, value: str | None) -> None:
    kept = getattr(live, control).value
    live.frame.value = 40
    before = drawn(live)
    getattr(live, control).value = value
    live.frame.value = 80
    assert (drawn(live) == 255).all() and live.line.value.startswith("<span")
    getattr(live, control).value, live.frame.value = kept, 40
    np.testing.assert_array_equal(drawn(live), before)


def test_few_choices_are_kept(played: Played) -> None:
    made: list[weakref.ref[Playback]] = []

    def load(*_: object) -> Playback:
        made.append(weakref.ref(one := replace(played.playback)))
        return one

    attend = Explorer.of(played.runs, played.corpus, played.features).attending
    live = Live(Explorer(load, attend, ["p4"], METHODS, seeds=range(2 * PLAYBACKS)))
    live._explorer._attend = lambda name, fusion, seed: attend(name, fusion, 0)
    for seed in range(2 * PLAYBACKS):
        live.seed.value = seed
    gc.collect()
    assert sum(one() is not None for one in made) <= PLAYBACKS < len(made)


def test_pictures_of_a_recording_are_read_once(played: Played) -> None:
    explorer = Explorer.of(played.runs, played.corpus, played.features)
    first, other = (explorer.playback("p4", target, "integrated_gradients") for target in ("valence", "arousal"))
    assert first.pictures is other.pictures and first.sound is other.sound
