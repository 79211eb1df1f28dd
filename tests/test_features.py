"""Features: what a clip's inputs are, and that a corpus is encoded only once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import jcalib.features
import jcalib.inputs
from jcalib.clips import RATE, SAMPLES, clip_ends
from jcalib.corpora import Corpus, open_corpus
from jcalib.encoders import build_encoder, log_mel
from jcalib.features import Features, RecordingInfo, extract_features
from jcalib.inputs import clip_inputs, clip_labels, prepare_inputs, prepare_pictures
from jcalib.media import read_sound, write_picture
from jcalib.settings import UserError
from tests.builders import add_recording, square_face, tiny_corpus, tone

HOP, SIZE = 8, 32


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    return open_corpus(tiny_corpus(tmp_path / "tiny"), "smoke")


@pytest.fixture(scope="module")
def encoders() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {modality: build_encoder("compact", modality) for modality in ("audio", "visual")}


def reopened(corpus: Corpus) -> Corpus:
    return open_corpus(corpus.root, "smoke")


def test_inputs_are_the_crops_and_the_sound_before_the_end(corpus: Corpus) -> None:
    recording = corpus.recordings[0]
    ends = clip_ends(recording.length, HOP)
    inputs = clip_inputs(recording, ends)
    assert inputs.pictures.shape == (6, 8, 112, 112, 3) and inputs.pictures.dtype == np.uint8
    assert inputs.log_mel.shape == (6, 64, 107) and inputs.log_mel.dtype == np.float32
    assert inputs.valid.all()
    np.testing.assert_array_equal(inputs.pictures[-1][-1], recording.face(47))
    np.testing.assert_array_equal(inputs.pictures[-1][0], recording.face(19))
    sound, start = read_sound(recording.video)
    stop = round(47 / 25 * RATE) - round(start * RATE)
    expected = log_mel(torch.from_numpy(sound[stop - SAMPLES : stop].copy()))
    np.testing.assert_allclose(inputs.log_mel[-1], expected, atol=1e-5)
    np.testing.assert_array_equal(clip_labels(recording, ends), recording.labels[ends])


def test_chunks_change_nothing(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = corpus.recordings[1]
    whole = clip_inputs(recording, np.arange(48), SIZE)
    monkeypatch.setattr(jcalib.inputs, "CHUNK", 5)
    for one, other in zip(whole, clip_inputs(recording, np.arange(48), SIZE), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_lost_faces_and_missing_sound_are_masked(tmp_path: Path, corpus: Corpus) -> None:
    add_recording(corpus.root, "q1", frames=80, lost=range(40), sound=tone(0.5))
    recording = next(one for one in reopened(corpus).recordings if one.name == "q1")
    inputs = clip_inputs(recording, clip_ends(80, HOP), SIZE)
    assert inputs.valid[:, 1].tolist() == [False] * 5 + [True] * 5
    assert not inputs.pictures[:5].any() and inputs.pictures[5:].any()
    last_heard = 0.5 + SAMPLES / RATE
    assert inputs.valid[:, 0].tolist() == [end / 25 < last_heard + 0.03 for end in clip_ends(80, HOP)]


def test_pictures_are_prepared_alike_from_bytes_and_floats() -> None:
    faces = np.stack([square_face(value) for value in np.linspace(0, 1, 8)])[None]
    found = prepare_pictures(torch.from_numpy(faces), 64)
    assert found.shape == (1, 3, 8, 64, 64) and found.min() >= 0 and found.max() <= 1
    torch.testing.assert_close(found[0, 0, :, 32, 32], torch.linspace(0, 1, 8), rtol=0, atol=0.01)
    torch.testing.assert_close(prepare_pictures(torch.from_numpy(faces / 255), 64), found, rtol=0, atol=1e-5)
    pixels = torch.rand(1, 8, 112, 112, 3, requires_grad=True)
    prepare_pictures(pixels, 64).sum().backward()
    assert (pixels.grad > 0).all()
    assert prepare_inputs(torch.zeros(2, 64, 107), "audio", 64).shape == (2, 1, 64, 107)


def test_rows_and_their_belongings(corpus: Corpus, encoders: dict[str, nn.Module]) -> None:
    features = extract_features(corpus, encoders, HOP, SIZE)
    assert features.audio.shape == features.visual.shape == (24, 512) and features.audio.dtype == np.float32
    assert [info.name for info in features.recordings] == ["p1", "p2", "p3", "p4"]
    assert features.failures.empty
    rows = features.of("p3")
    assert rows.tolist() == list(range(12, 18)) and features.span(2) == (12, 6)
    np.testing.assert_array_equal(features.frame[rows], clip_ends(48, HOP))
    np.testing.assert_allclose(features.time[rows], clip_ends(48, HOP) / 25, atol=1e-4)
    np.testing.assert_array_equal(features.target[rows], corpus.recordings[2].labels[7::8])
    np.testing.assert_array_equal(features.rows("report"), features.of("p4"))
    assert features.of_role("report") == [3]
    assert features.stride == 4 and features.clip_time == pytest.approx(32 / 25, abs=1e-4)
    with pytest.raises(UserError, match="unknown recording 'p9'"):
        features.of("p9")
    inputs = clip_inputs(corpus.recordings[2], clip_ends(48, HOP), SIZE)
    with torch.no_grad():
        expected = encoders["visual"].features(prepare_pictures(torch.from_numpy(inputs.pictures), SIZE))
    np.testing.assert_allclose(features.visual[rows], expected, atol=1e-5)


def test_the_second_call_decodes_nothing(
    corpus: Corpus, encoders: dict[str, nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = extract_features(corpus, encoders, HOP, SIZE)

    def refuse(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(jcalib.inputs, "read_picture", refuse)
    monkeypatch.setattr(jcalib.inputs, "sound_windows", refuse)
    second = extract_features(reopened(corpus), encoders, HOP, SIZE)
    assert second.source == first.source
    np.testing.assert_array_equal(second.audio, first.audio)
    np.testing.assert_array_equal(second.visual, first.visual)


def test_only_what_changed_is_encoded_again(
    corpus: Corpus, encoders: dict[str, nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = extract_features(corpus, encoders, HOP, SIZE)
    (corpus.root / "cropped_aligned" / "p2" / "00047.jpg").unlink()
    read: set[str] = set()
    face = jcalib.inputs.read_picture
    monkeypatch.setattr(jcalib.inputs, "read_picture", lambda path: (read.add(path.parent.name), face(path))[1])
    after = extract_features(reopened(corpus), encoders, HOP, SIZE)
    assert read == {"p2"} and after.source != before.source
    torch.manual_seed(7)
    changed = {modality: build_encoder("compact", modality) for modality in encoders}
    assert extract_features(reopened(corpus), changed, HOP, SIZE).source != after.source
    assert read == {"p1", "p2", "p3", "p4"}


@pytest.mark.parametrize("change", [{"role": "report"}, {"person": "p1"}, {"name": "q2"}])
def test_who_is_used_for_what_is_a_new_source_and_encodes_nothing(
    corpus: Corpus, encoders: dict[str, nn.Module], change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = extract_features(corpus, encoders, HOP, SIZE)
    monkeypatch.setattr(jcalib.features, "encode_clips", None)
    one, two, *others = corpus.recordings
    after = extract_features(replace(corpus, recordings=(one, replace(two, **change), *others)), encoders, HOP, SIZE)
    assert after.source != before.source
    assert extract_features(corpus, encoders, HOP, SIZE).source == before.source


def test_an_empty_crop_is_a_lost_face(corpus: Corpus, encoders: dict[str, nn.Module]) -> None:
    recording = corpus.recordings[1]
    recording.face_path(47).unlink()
    without = extract_features(reopened(corpus), encoders, HOP, SIZE)
    recording.face_path(47).write_bytes(b"")
    assert recording.face(47) is None and not recording.face_present()[47]
    features = extract_features(reopened(corpus), encoders, HOP, SIZE)
    assert features.failures.empty
    np.testing.assert_array_equal(features.visual, without.visual)


def test_a_broken_recording_is_a_row_and_not_a_stop(corpus: Corpus, encoders: dict[str, nn.Module]) -> None:
    (corpus.root / "cropped_aligned" / "p2" / "00048.jpg").write_bytes(b"broken")
    features = extract_features(reopened(corpus), encoders, HOP, SIZE)
    assert [info.name for info in features.recordings] == ["p1", "p3", "p4"]
    assert features.failures["name"].tolist() == ["p2"]
    assert "00048.jpg is not a readable picture" in features.failures["what"][0]
    for face in corpus.root.glob("cropped_aligned/*/00048.jpg"):
        face.write_bytes(b"broken")
    with pytest.raises(UserError, match=r"0 recordings that can be encoded: .*00048"):
        extract_features(reopened(corpus), encoders, HOP, SIZE)


def test_missing_modalities_are_zero_and_not_valid(corpus: Corpus, encoders: dict[str, nn.Module]) -> None:
    add_recording(corpus.root, "q1", lost=range(20), sound=np.zeros(0, np.float32))
    features = extract_features(reopened(corpus), encoders, HOP, SIZE)
    rows = features.of("q1")
    assert features.valid[rows].tolist() == [[False, False]] * 2 + [[False, True]] * 4
    assert not features.audio[rows].any() and not features.visual[rows[:2]].any()
    assert features.visual[rows[2:]].any(axis=1).all() and np.isfinite(features.visual).all()


def test_features_are_easy_to_build_by_hand() -> None:
    labels = np.zeros((16, 2), np.float32)
    info = RecordingInfo("a", "a", "fusion", labels, np.arange(16) / 25)
    rows = {name: np.zeros((2, 3), np.float32) for name in ("audio", "visual")}
    features = Features(
        **rows,
        target=labels[[7, 15]],
        valid=np.ones((2, 2), bool),
        recording=np.zeros(2, int),
        frame=np.array([7, 15]),
        time=info.times[[7, 15]],
        recordings=(info,),
        hop=8,
        source="by hand",
    )
    assert features.failures.empty and features.of("a").tolist() == [0, 1]
    assert features.stride == 4 and np.isnan(features.clip_time)


def test_wrong_sizes_are_named(corpus: Corpus) -> None:
    write_picture(corpus.recordings[0].face_path(47), square_face(0.5, 96))
    with pytest.raises(UserError, match=r"00048\.jpg is 96 x 96 pixels: a face crop must be 112 x 112"):
        clip_inputs(corpus.recordings[0], clip_ends(48, HOP))
