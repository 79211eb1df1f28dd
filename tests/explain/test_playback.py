"""A playback holds the report's predictions and the very maps of its clips, and is made once."""

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from jcalib.explain import attribute, film, playback, read_clip, tracks
from jcalib.explain.playback import BANDS, LEVELS, SPECTRA, colour_limit, quantised
from jcalib.explain.source import Source
from jcalib.media import read_sound, write_video
from jcalib.settings import UserError
from jcalib.training import Reference, Run
from tests.played import FRAMES, LOST, Played

SECOND_CLIP = 1


def test_its_predictions_are_those_of_the_report(played: Played) -> None:
    for run in played.runs:
        table = run.predictions.query("recording == 'p4'")
        for target in ("valence", "arousal"):
            by_seed = table[target].to_numpy().reshape(2, FRAMES)
            track = played.playback.track(run.settings.fusion, target)
            np.testing.assert_allclose(track.prediction, by_seed.mean(0), atol=1e-5)
            np.testing.assert_allclose(track.spread, by_seed.std(0, ddof=1), atol=1e-5)


def test_a_clip_s_map_is_its_attribution(played: Played) -> None:
    shown, features, run = played.playback, played.features, played.runs[0]
    row = features.of("p4")[np.flatnonzero(shown.ends == shown.explained[SECOND_CLIP])[0]]
    clip = read_clip(played.corpus, features, int(row))
    found = attribute(run, clip, "arousal")
    track, (voice_limit, face_limit) = shown.track("joint", "arousal"), shown.limits["arousal"]

    inside = (shown.face_frames > shown.explained[SECOND_CLIP] - 32) & (
        shown.face_frames <= shown.explained[SECOND_CLIP]
    )
    assert inside.sum() == 8
    values = track.face[inside].astype(float) / LEVELS * face_limit
    np.testing.assert_allclose(values, found.pictures.clip(-face_limit, face_limit), atol=face_limit / LEVELS)
    assert track.sums[SECOND_CLIP] == pytest.approx([found.log_mel.sum(), found.pictures.sum()], abs=1e-5)

    start = round((clip.second - 47_040 / 44_100 - shown.sound_start) * 100)
    first = -start % SPECTRA  # whole cells only
    whole = (107 - first) // SPECTRA
    cells = found.log_mel[:, first : first + whole * SPECTRA].reshape(64 // BANDS, BANDS, whole, SPECTRA).sum((1, 3))
    at = (start + first) // SPECTRA
    values = track.sound[:, at : at + whole].astype(float) / LEVELS * voice_limit
    np.testing.assert_allclose(values, cells.clip(-voice_limit, voice_limit), atol=voice_limit / LEVELS)


def test_sound_between_clips_is_heard_by_none(played: Played) -> None:
    shown = played.playback
    gaps = [(31 / 25 + 0.02, 63 / 25 - 1.09), (63 / 25 + 0.02, 95 / 25 - 1.09)]
    times = shown.sound_start + 0.01 * np.arange(len(shown.heard))
    for start, stop in gaps:
        between = (times > start) & (times < stop)
        assert between.sum() > 10 and not shown.heard[between].any()
    assert shown.heard[(times > 1.5) & (times < 63 / 25)].all()
    assert not shown.heard[times > 95 / 25 + 0.02].any(), "after the last whole clip"


def test_sound_in_a_file_of_its_own_is_heard(played: Played, tmp_path: Path) -> None:
    recording = next(one for one in played.corpus.recordings if one.name == "p4")
    samples, start = read_sound(recording.video)
    write_video(tmp_path / "mute.mp4", [np.zeros((64, 64, 3), np.uint8)] * FRAMES, 25, np.zeros(0))
    with wave.open(str(tmp_path / "p4.wav"), "w") as file:
        file.setparams((1, 2, 44_100, 0, "NONE", ""))
        file.writeframes((np.pad(samples, (round(start * 44_100), 0)) * 32767).astype("<i2").tobytes())
    apart = replace(recording, video=tmp_path / "mute.mp4", sound=tmp_path / "p4.wav")
    together, alone = Source.of(recording, played.features), Source.of(apart, played.features)
    assert abs(len(alone.sound) - len(together.sound)) < 2 and alone.heard.any()
    np.testing.assert_allclose(alone.sound, together.sound[: len(alone.sound)], atol=1e-3)


def test_where_there_is_no_face_there_is_no_map(played: Played) -> None:
    shown = played.playback
    assert not shown.seen[list(LOST)].any() and shown.seen.sum() == FRAMES - len(LOST)
    assert shown.face_at(LOST[3]) is None
    assert shown.face_frames[shown.face_at(40)] == pytest.approx(40, abs=2)
    assert shown.face_at(FRAMES - 1) is None and shown.clip_at(FRAMES - 1) is None


def test_the_map_over_a_face_is_of_the_clip_that_is_named(played: Played) -> None:
    shown = played.playback
    for frame in np.flatnonzero(shown.seen):
        near = shown.face_at(frame)
        if shown.clip_at(frame) is None:
            assert near is None, f"frame {frame} is after the last clip"
        else:
            assert near is not None and shown.clip_at(shown.face_frames[near]) == shown.clip_at(frame)
    alone = replace(shown, explained=shown.explained[1:], face_frames=shown.face_frames[8:])
    assert alone.clip_at(2) == 0 and alone.face_at(2) is None, "no picture of that clip is near"


def test_influence_is_zero_before_the_recording_and_in_target_units(played: Played) -> None:
    shown = played.playback
    for track in shown.tracks.values():
        assert (track.influence[shown.windows < 0] == 0).all()
        assert (track.influence >= 0).all() and track.influence.max() > 0
    np.testing.assert_array_equal(shown.windows.max(axis=1), np.maximum(shown.ends, shown.windows.max(axis=1)))


def test_a_run_keeps_what_its_recordings_are_held_against(played: Played) -> None:
    kept, drawn = played.runs[0].reference, Reference.of(played.features, 2)
    assert torch.equal(kept.audio, drawn.audio) and torch.equal(kept.visual, drawn.visual)
    assert len(drawn.seen) == played.features.valid[played.features.rows("fusion"), 1].sum()
    some = Reference.of(played.features, 2, most=5)
    assert len(some.heard) == len(some.seen) == 5 and torch.equal(some.seen[0], drawn.seen[0])
    assert played.playback.background == f"{len(kept.audio)} sequences of 2 clips of the run's training persons"


def test_it_is_made_once(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks, "attribute_path", lambda *_, **__: pytest.fail("computed again"))
    monkeypatch.setattr(Run, "ensemble", lambda *_: pytest.fail("a model for nothing"))
    again = playback(played.runs, played.corpus, played.features, "p4")
    assert again.digest() == played.playback.digest()
    one = playback(played.runs[:1], played.corpus, played.features, "p4", ["valence"])
    assert one.fusions == ("joint",) and one.targets == ("valence",)
    assert one.digest() != again.digest()


def test_its_video_is_made_when_it_is_asked_for(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(film, "write_timed", lambda *_: pytest.fail("nobody asked for it"))
        again = playback(played.runs, played.corpus, played.features, "p4")
    assert again.video == played.playback.video and again.video is again.video


def test_one_seed_by_another_method(played: Played) -> None:
    first, mean = (
        playback(played.runs[:1], played.corpus, played.features, "p4", ["valence"], "grad_cam", seed).track(
            "joint", "valence"
        )
        for seed in (1, None)
    )
    of_seed = played.runs[0].predictions.query("recording == 'p4' and seed == 1")["valence"]
    np.testing.assert_allclose(first.prediction, of_seed, atol=1e-5)
    assert np.isnan(first.spread).all()
    assert (first.steps == 1).all() and (first.face != mean.face).any()


def test_what_does_not_fit_is_said(played: Played) -> None:
    with pytest.raises(UserError, match="one run a fusion"):
        playback([played.runs[0]] * 2, played.corpus, played.features, "p4")
    with pytest.raises(UserError, match=r"unknown recording 'p44': did you mean 'p4'"):
        playback(played.runs, played.corpus, played.features, "p44")
    with pytest.raises(UserError, match="unknown fusion 'mixer'"):
        played.playback.track("mixer", "valence")
    with pytest.raises(UserError, match="seed is 7, the run has 0, 1"):
        playback(played.runs, played.corpus, played.features, "p4", seed=7)


def test_bytes_keep_the_sign_and_end_at_the_limit() -> None:
    values = np.array([-3.0, -1.0, -0.004, 0.0, 0.5, 1.0, 9.0])
    np.testing.assert_array_equal(quantised(values, 1.0), [-127, -127, -1, 0, 64, 127, 127])
    assert colour_limit([np.array([0.0, -2.0, np.nan])]) == pytest.approx(1.99)
    assert colour_limit([np.zeros(3)]) == colour_limit([]) == 1.0
