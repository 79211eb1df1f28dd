"""A run predicts a new video exactly as it predicts its corpus, and says what it could not see or hear."""

import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

import jcalib as jca
from jcalib.corpora import Corpus
from jcalib.files import write_json, write_status
from jcalib.media import FaceFrame, sound_windows, write_video
from jcalib.prediction import Predictor, find_run
from jcalib.prediction.predictor import predict
from jcalib.settings import UserError
from jcalib.training import Run
from tests.builders import square_face, tone

Film = Callable[..., Path]
GRID = Path(__file__).parents[3] / "shared" / "media" / "grid_bbaf2n.mpg"
VALUES = ["valence", "arousal"]


def given_crops(corpus: Corpus, name: str) -> Iterator[FaceFrame]:
    """The frames of a recording with its own crops."""
    (recording,) = [one for one in corpus.recordings if one.name == name]
    for index in range(recording.length):
        yield FaceFrame(index, index / 25, recording.face(index), None)


def test_a_recording_of_the_corpus_comes_out_as_the_run_predicted_it(
    run: Run, predictor: Predictor, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jcalib.inputs.CHUNK", 3)
    found = predictor(corpus.root / "videos" / "p5.mp4", given_crops(corpus, "p5")).frame()
    by_frame = run.predictions.groupby("frame")
    np.testing.assert_allclose(found[VALUES], by_frame[VALUES].mean().clip(-1, 1), atol=1e-5)
    np.testing.assert_allclose(found["time"], by_frame["time"].first(), atol=1e-4)
    np.testing.assert_allclose(found["arousal_spread"], by_frame["arousal"].std(), atol=1e-5)
    for target, one in run.calibration.items():
        low, high = ((found[target] + sign * one.half_width).clip(-1, 1) for sign in (-1, 1))
        np.testing.assert_allclose(found[[f"{target}_low", f"{target}_high"]], np.stack([low, high], 1), atol=1e-6)
    assert not found.isna().any().any()


def test_a_new_video(run: Run, film: Film) -> None:
    prediction = jca.predict(film(), run)
    table = prediction.frame()
    assert list(table.columns) == [
        "time", "valence", "valence_spread", "valence_low", "valence_high",
        "arousal", "arousal_spread", "arousal_low", "arousal_high", "face", "voice",
    ]  # fmt: skip
    assert len(table) == 40 and table["face"].mean() > 0.8 and table["voice"].all()
    np.testing.assert_allclose(table["time"], np.arange(40) / 25, atol=1e-4)
    assert (prediction.notes, prediction.trouble) == ((), "")
    html = prediction._repr_html_()
    assert "<svg" in html and "nominal 90 %" in html and "clip.mp4" in html
    assert prediction.plot().axes[0].get_ylabel() == "valence"


@pytest.mark.skipif(not GRID.exists(), reason="shared recordings are not here")
def test_a_real_face_is_found(predictor: Predictor) -> None:
    table = predictor(GRID).frame()
    assert len(table) == 75 and table["face"].mean() > 0.9 and table[VALUES].notna().all().all()


@pytest.mark.parametrize(("height", "width"), [(320, 180), (1080, 1920)])
def test_any_shape(predictor: Predictor, film: Film, height: int, width: int) -> None:
    found = predictor(film(frames=16, height=height, width=width)).frame()
    assert found["face"].mean() > 0.7 and found[VALUES].notna().all().all()


def test_a_turned_video_is_predicted_upright(predictor: Predictor, film: Film, tmp_path: Path) -> None:
    """A phone's video lies on its side and says so; without the note the face would not be found."""
    upright, lying = film(), tmp_path / "lying.mp4"
    turned = [np.rot90(frame.to_ndarray(format="rgb24"), -1).copy() for frame in av.open(str(upright)).decode(video=0)]
    write_video(tmp_path / "raw.mp4", turned, 25, tone(40 / 25))
    remux(tmp_path / "raw.mp4", lying)
    patch_matrix(lying)
    assert next(av.open(str(lying)).decode(video=0)).rotation % 360 == 90
    one, other = (predictor(path).frame() for path in (upright, lying))
    assert other["face"].mean() > 0.8
    np.testing.assert_allclose(other[VALUES], one[VALUES], atol=0.05)


def patch_matrix(path: Path) -> None:
    """Write a quarter turn into the picture track's header of an mp4."""
    data = bytearray(path.read_bytes())
    place = data.find(b"tkhd") + 4 + 40
    matrix = [0, -(1 << 16), 0, 1 << 16, 0, 0, 0, 0, 1 << 30]
    data[place : place + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(data)


def test_silence_is_no_voice(predictor: Predictor, tmp_path: Path, film: Film) -> None:
    mute = predictor(film("mute.mp4", sound=False))
    assert not mute.frame()["voice"].any() and mute.frame()["face"].any()
    assert mute.frame()[VALUES].notna().all().all()
    assert mute.notes == ("No soundtrack: predicted from the face alone.",)
    pictures = [square_face(0.5, 64)] * 40
    write_video(tmp_path / "silent.mp4", pictures, 25, np.zeros(round(1.6 * 44_100), np.float32))
    silent = predictor(tmp_path / "silent.mp4")
    assert not silent.frame()[["face", "voice"]].any().any(), "neither face nor voice"
    assert silent.frame().drop(columns=["time", "face", "voice"]).isna().all().all(), "nothing may be invented"
    assert silent.notes == ("No face was found.",)
    assert "predicted 0 %" in silent.facts() and "<svg" in silent._repr_html_()


def test_without_a_face_the_voice_predicts(predictor: Predictor, tmp_path: Path) -> None:
    write_video(tmp_path / "wall.mp4", [square_face(0.5, 64)] * 40, 25, tone(1.6))
    found = predictor(tmp_path / "wall.mp4")
    assert not found.frame()["face"].any() and found.frame()["voice"].all()
    assert found.frame()[VALUES].notna().all().all() and np.isnan(found.boxes).all()


def test_sound_alone_is_predicted_on_the_runs_own_clock(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone(2.0)[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate = 44_100
        container.mux([*stream.encode(frame), *stream.encode(None)])
    found = predictor(path)
    np.testing.assert_allclose(found.frame()["time"], np.arange(50) / 25)
    assert found.frame()["voice"].all() and found.frame()[VALUES].notna().all().all()
    assert found.notes == ("No picture stream: predicted from the voice alone.",)


def test_shorter_than_a_clip(predictor: Predictor, film: Film) -> None:
    assert predictor(film("short.mp4", frames=9)).frame()[VALUES].notna().all().all()
    with pytest.raises(UserError, match=r"tiny\.mp4 has 5 frames: a prediction needs 8 frames"):
        predictor(film("tiny.mp4", frames=5))


def test_another_frame_rate_is_said(predictor: Predictor, tmp_path: Path) -> None:
    write_video(tmp_path / "fast.mp4", [square_face(0.5, 64)] * 60, 50, tone(1.2))
    note = predictor(tmp_path / "fast.mp4").notes[1]
    assert "50 frames a second, the run learned from 25: a clip is 32 frames, so it lasts 0.64 s here instead" in note
    predictor.encoding = predictor.encoding.changed(clip_frames=16)
    note = predictor(tmp_path / "fast.mp4").notes[1]
    assert "a clip is 16 frames, so it lasts 0.32 s here instead of 0.64 s" in note


@pytest.mark.parametrize(("suffix", "kept"), [("mkv", True), ("mkv", False), ("mp4", False)])
def test_a_file_that_breaks_off_is_predicted_as_far_as_it_goes(
    predictor: Predictor, tmp_path: Path, suffix: str, kept: bool
) -> None:
    whole, broken = tmp_path / "whole.mp4", tmp_path / f"broken.{suffix}"
    rng = np.random.default_rng(0)
    write_video(whole, [rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(80)], 25, tone(3.2))
    remux(whole, broken)
    data = broken.read_bytes()
    broken.write_bytes(data[: len(data) // 2] + kept * rng.bytes(len(data) // 2))
    found = predictor(broken)
    assert 30 < len(found.frame()) < 60 and found.frame()[VALUES].notna().all().all()
    assert "broken" in found.trouble and ("can be read for 1." in found.trouble or "cannot be read" in found.trouble)
    assert predictor(whole).trouble == ""


def test_sound_that_lasts_longer_than_the_pictures_is_no_damage(predictor: Predictor, tmp_path: Path) -> None:
    write_video(tmp_path / "long.mp4", [square_face(0.5, 64)] * 40, 25, tone(4))
    remux(tmp_path / "long.mp4", tmp_path / "long.mkv")
    assert predictor(tmp_path / "long.mkv").trouble == ""


def remux(source: Path, target: Path) -> None:
    """Put a video's packets into another container, an mp4 with its index in front."""
    options = {"movflags": "faststart"} if target.suffix == ".mp4" else {}
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        streams = {one.index: new.add_stream_from_template(one) for one in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)


def watched(frames: int, most: list[int]) -> Iterator[FaceFrame]:
    """Frames with crops; the last of `most` is the largest number of crops that were alive at one time."""
    known: list[weakref.ref[np.ndarray]] = []
    for index in range(frames):
        crop = np.full((112, 112, 3), index % 256, np.uint8)
        known = [*(one for one in known if one() is not None), weakref.ref(crop)]
        most.append(max(len(known), *most[-1:], 0))
        yield FaceFrame(index, index / 25, crop, None)


def test_crops_are_let_go_where_the_soundtrack_is_damaged(
    predictor: Predictor, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_off(path: Path, ends_s: Iterable[float], *size: int) -> Iterator[np.ndarray]:
        yield from islice(sound_windows(path, ends_s, *size), 4)
        raise UserError("the soundtrack cannot be read any more")

    monkeypatch.setattr("jcalib.inputs.CHUNK", 2)
    monkeypatch.setattr("jcalib.prediction.predictor.sound_windows", breaks_off)
    most: list[int] = []
    found = predictor(film(), watched(400, most))
    assert found.frame()["voice"].sum() == 32 and len(found.frame()) == 400
    assert "cannot be read any more" in found.trouble
    assert most[-1] < 80, "two clip ends, 8 frames apart, look back on 32 frames"


def test_what_is_no_video_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(UserError, match=r"notes\.mp4 cannot be read"):
        predictor(tmp_path / "notes.mp4")


def test_a_run_is_found_by_itself_its_name_or_its_report(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "reports" / "quick-1"
    (report / "chapters").mkdir(parents=True)
    write_json(report / "report.json", {})
    with pytest.raises(UserError, match=r"report quick-1 names no joint run"):
        find_run(report)
    write_json(report / "chapters" / "1_corpus.json", {})
    write_json(report / "chapters" / "4_ablation.json", {"runs": {"joint": run.folder.name, "cross": "cross-1"}})
    for where in (run, run.folder, run.folder.name, report):
        assert find_run(where)[0].settings == run.settings
    assert find_run(report)[1] == f"{run.folder.name}, the joint run of report quick-1"
    with pytest.raises(UserError, match="unknown run 'nothing'"):
        predict(GRID, "nothing")


def test_a_run_on_features_of_unknown_making_cannot_predict_videos(run: Run, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(run.folder, tmp_path / "joint-1")
    (copy / "encoding.json").unlink()
    write_status(copy, [])  # which promises no encoding, as on own features
    with pytest.raises(UserError, match=r"run joint-1 does not know what made its features"):
        Predictor(copy)
