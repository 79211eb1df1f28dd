"""Encoders learn what their modality shows, from the encoder persons alone, once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import jcalib.training.encoders as rooms
from jcalib import files
from jcalib.clips import clip_ends
from jcalib.concordance import ccc
from jcalib.corpora import Corpus, open_corpus
from jcalib.files import ROOT
from jcalib.inputs import clip_inputs, prepare_inputs
from jcalib.settings import Preset, UserError, preset
from jcalib.training import extract, load_encoder, train_encoders
from tests.builders import add_recording, tiny_corpus


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))


def small(epochs: int = 1, **encoder: object) -> Preset:
    chosen = preset("smoke")
    return chosen.changed(encoder=chosen.encoder.changed(epochs=epochs, size=32, batch=8, **encoder))


def opened(root: Path) -> Corpus:
    return open_corpus(root, "smoke")


def weights(encoders: dict[str, nn.Module]) -> torch.Tensor:
    return torch.cat([p.flatten() for encoder in encoders.values() for p in encoder.state_dict().values()])


def outputs(encoder: nn.Module) -> int:
    return encoder.get_submodule("readout")[-1].out_features


def add_truth(corpus: Corpus, width: int = 2) -> None:
    """Cues that the face shows, its brightness, and cues that nothing shows."""
    (corpus.root / "truth").mkdir(exist_ok=True)
    for recording in corpus.recordings:
        shown = np.repeat(np.linspace(-1, 1, recording.length)[:, None], width, axis=1)
        names = ("face_cue", "face_synergy_cue", "voice_cue", "voice_synergy_cue")
        np.savez(corpus.root / "truth" / f"{recording.name}.npz", **dict.fromkeys(names, shown))


def test_encoders_come_ready_to_use_and_leave_a_whole_run(tmp_path: Path) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny"))
    encoders = train_encoders(corpus, small(2), "cpu")
    assert list(encoders) == ["audio", "visual"]
    assert not any(encoder.training for encoder in encoders.values())
    assert outputs(encoders["audio"]) == outputs(encoders["visual"]) == 2
    for folder in (tmp_path / "home" / "runs").iterdir():
        assert {"settings.json", "checkpoint.safetensors", "history.csv", "status.json"} <= {
            path.name for path in folder.iterdir()
        }
        assert len(pd.read_csv(folder / "history.csv")) == 2


def test_the_visual_encoder_learns_what_the_face_shows(tmp_path: Path) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny", train=4, frames=96))
    encoder = train_encoders(corpus, small(20), "cpu")["visual"]
    stranger = corpus.with_role("report")[0]
    ends = clip_ends(stranger.length, 8)
    pictures = torch.from_numpy(clip_inputs(stranger, ends, 32).pictures)
    with torch.inference_mode():
        predicted = encoder(prepare_inputs(pictures, "visual", 32))
    assert ccc(predicted, torch.from_numpy(stranger.labels[ends])).min() > 0.8


def test_a_seed_decides_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny"))
    first = train_encoders(corpus, small(), "cpu")
    other = train_encoders(corpus, small(seed=1), "cpu")
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "elsewhere"))
    torch.manual_seed(99)
    again = train_encoders(corpus, small(), "cpu")
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_a_finished_encoder_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny"))
    first = train_encoders(corpus, small(), "cpu")
    trained = []
    train = rooms._train
    monkeypatch.setattr(rooms, "_train", lambda *given: (trained.append(given[1]), train(*given)))
    assert torch.equal(weights(first), weights(train_encoders(corpus, small(), "cpu")))
    assert trained == []
    next((tmp_path / "home" / "runs").glob("encoder-audio-*/status.json")).unlink()
    train_encoders(corpus, small(), "cpu")
    assert trained == ["audio"]


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "settings.json"])
def test_an_encoder_that_lost_a_file_is_said_to_and_made_again(tmp_path: Path, name: str) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny"))
    runs = rooms.encoder_runs(corpus, small(), "cpu")
    before = weights({modality: load_encoder(run, modality) for modality, run in runs.items()})
    (tmp_path / "home" / "runs" / runs["audio"] / name).unlink()
    with pytest.raises(
        UserError, match=rf"run {runs['audio']}, the audio encoder, lost {name}: jcalib train with the same"
    ):
        load_encoder(runs["audio"], "audio")
    assert torch.equal(weights(train_encoders(corpus, small(), "cpu")), before)


@pytest.mark.parametrize("name", ["inputs.py", "media/sound.py", "encoders/compact.py"])
def test_other_code_that_makes_inputs_trains_other_encoders(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny"))
    before, hashed = rooms._key(corpus, small(), "cpu"), files.hash_file
    changed = ROOT / "jcalib" / name
    monkeypatch.setattr(files, "hash_file", lambda path: "changed" if path == changed else hashed(path))
    assert rooms._key(corpus, small(), "cpu") != before


def test_only_the_encoder_persons_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny", train=4))
    read = []
    whole = rooms._targets
    monkeypatch.setattr(rooms, "_targets", lambda one, *rest: (read.append(one.name), whole(one, *rest))[1])
    train_encoders(corpus, small(), "cpu")
    assert set(read) == {one.name for one in corpus.with_role("encoder")}
    assert 0 < len(set(read)) < len(corpus.recordings)


def test_a_lost_face_is_not_trained_on(tmp_path: Path) -> None:
    root = tmp_path / "tiny"
    for name in ("p1", "p2", "p3"):
        add_recording(root, name, lost=range(24))
    one = opened(root).recordings[0]
    clips = rooms._read_clips((one,), small())
    ends = clip_ends(48, 8)
    assert len(clips["audio"].inputs) == len(ends)
    np.testing.assert_array_equal(clips["visual"].target, one.labels[ends[ends >= 24]])
    assert clips["visual"].inputs.any(axis=(1, 2, 3, 4)).all()


def test_cues_are_learnt_where_they_are_known_and_not_required(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "tiny")
    corpus = opened(root)
    assert outputs(train_encoders(corpus, small(), "cpu")["visual"]) == 2
    add_truth(corpus)
    assert outputs(train_encoders(opened(root), small(), "cpu")["visual"]) == 6


def test_augmentation_moves_a_clip_as_one() -> None:
    generator = torch.Generator().manual_seed(0)
    gain = rooms._augment(torch.zeros(64, 1, 64, 107), "audio", generator).flatten(1) * rooms.STD_DB
    assert torch.equal(gain, gain[:, :1].expand_as(gain))
    assert 4 < gain.abs().max() <= 6
    half = torch.zeros(64, 3, 8, 32, 32)
    half[..., :16] = 0.5
    pictures = rooms._augment(half, "visual", generator)
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert torch.equal(pictures, pictures[:, :1, :1].expand_as(pictures))
    sides = pictures[..., 4:12].mean((1, 2, 3, 4)) > pictures[..., 20:28].mean((1, 2, 3, 4))
    assert 16 < sides.sum() < 48


def test_features_say_which_encoders_made_them(tmp_path: Path) -> None:
    features = extract(opened(tiny_corpus(tmp_path / "tiny")), small(), "cpu")
    made = features.encoding
    assert made is not None and (made.size, made.hop, made.fps) == (32, 8, pytest.approx(25))
    inputs = clip_inputs(opened(tmp_path / "tiny").recordings[0], np.array([47]), 32)
    with torch.no_grad():
        heard = load_encoder(made.audio, "audio").features(prepare_inputs(torch.from_numpy(inputs.log_mel), "audio"))
    np.testing.assert_allclose(heard[0], features.audio[5], atol=1e-5)
    with pytest.raises(UserError, match="run nothing, the visual encoder, is not there"):
        load_encoder("nothing", "visual")


@pytest.mark.parametrize("batch", [2, 3, 5, 100])
def test_no_batch_is_of_a_single_clip_and_each_clip_is_in_one(batch: int) -> None:
    for clips in range(2, 12):
        parts = rooms._batches(torch.randperm(clips), batch)
        assert min(map(len, parts)) > 1 and max(map(len, parts)) <= batch + 1
        assert torch.equal(torch.cat(parts).sort().values, torch.arange(clips))


def test_one_clip_more_than_fills_the_batches_is_trained_on(tmp_path: Path) -> None:
    corpus = opened(tiny_corpus(tmp_path / "tiny"))
    clips = len(rooms._read_clips(corpus.with_role("encoder"), small())["visual"].target)
    alone = small()
    alone = alone.changed(encoder=alone.encoder.changed(batch=clips - 1))
    for encoder in train_encoders(corpus, alone, "cpu").values():
        assert all(torch.isfinite(value).all() for value in encoder.state_dict().values())


def test_a_broken_encoder_recording_is_passed_over(tmp_path: Path) -> None:
    root = tiny_corpus(tmp_path / "tiny", train=6)
    recordings = opened(root).with_role("encoder")
    assert len(recordings) > 1
    recordings[0].face_path(47).write_bytes(b"broken")
    others = rooms._read_clips(recordings[1:], small())
    for modality, clips in rooms._read_clips(recordings, small()).items():
        np.testing.assert_array_equal(clips.inputs, others[modality].inputs)
    features = extract(opened(root), small(), "cpu")
    assert features.failures["name"].tolist() == [recordings[0].name]
    for one in recordings[1:]:
        one.face_path(47).write_bytes(b"broken")
    with pytest.raises(UserError, match=r"audio encoder has 0 clips with a voice.*00048\.jpg is not a readable"):
        rooms._read_clips(recordings, small())


def test_encoder_persons_without_a_voice_are_refused_in_one_line(tmp_path: Path) -> None:
    for number in range(1, 5):
        split = "Train_Set" if number < 4 else "Validation_Set"
        add_recording(tmp_path / "silent", f"p{number}", split, sound=np.zeros(0, np.float32))
    with pytest.raises(UserError, match="the audio encoder has 0 clips with a voice to train on") as error:
        extract(opened(tmp_path / "silent"), small(), "cpu")
    assert "\n" not in str(error.value)
