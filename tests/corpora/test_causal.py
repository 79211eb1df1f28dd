"""Causal renderings: nothing else moves, the right part of the face and of the sound does, and by how much."""

import numpy as np
import pytest

from jcalib.corpora.synthetic import Script, recording_number, render_moved, strongest_latents
from jcalib.corpora.synthetic.causal import LATENTS, move
from jcalib.corpora.synthetic.latents import Causes
from jcalib.corpora.synthetic.regimes import regime_settings
from jcalib.corpora.synthetic.render import render_recording
from jcalib.corpora.synthetic.scene import crop, middles
from jcalib.media import read_picture, read_sound
from jcalib.settings import CorpusSettings, Split, UserError

SETTINGS = CorpusSettings(split=Split(encoder=1, fusion=1, selection=0, report=1), seconds=4, face_loss=0, posed=0)
FRAMES, END, SAMPLES = np.arange(61, 90, 4), 89, 47_040
UPPER, LOWER = slice(0, 60), slice(64, 112)


def test_unmoved_it_is_the_recording_bit_by_bit() -> None:
    script = Script(SETTINGS, 1)
    scenes, sound = list(script.scenes()), script.sound()
    found = render_moved(SETTINGS, 1, FRAMES, END, SAMPLES, None)
    faces = [crop(scenes[frame], middles(script.face)[frame]) for frame in FRAMES]
    np.testing.assert_array_equal((found.pictures[0] * 255 + 0.5).astype(np.uint8), np.stack(faces))
    stop = round(90 / 25 * 44_100) - 44_100 // 25
    np.testing.assert_array_equal(found.sound[1], sound[stop - SAMPLES : stop])
    assert (found.pictures[0] == found.pictures[1]).all()


def test_it_is_what_the_files_hold_up_to_their_compression(tmp_path: object) -> None:
    render_recording(SETTINGS, 0, tmp_path)  # type: ignore[arg-type]
    found = render_moved(SETTINGS, 0, FRAMES, END, SAMPLES, None)
    kept = read_picture(tmp_path / "cropped_aligned" / "person_001" / f"{END + 1:05d}.jpg") / 255  # type: ignore[operator]
    assert np.abs(found.pictures[0, -1] - kept).mean() < 0.02
    sound, start = read_sound(tmp_path / "videos" / "person_001.mp4")  # type: ignore[operator]
    stop = round((END / 25 - start) * 44_100)
    assert np.corrcoef(found.sound[0], sound[stop - SAMPLES : stop])[0, 1] > 0.98


@pytest.mark.parametrize(
    ("latent", "where"),
    [("s_valence", LOWER), ("f_valence", LOWER), ("g_valence", UPPER), ("s_arousal", UPPER), ("g_arousal", UPPER)],
)
def test_a_latent_moves_its_own_part_of_the_face(latent: str, where: slice) -> None:
    low, high = render_moved(SETTINGS, 0, FRAMES, END, SAMPLES, latent).pictures
    energy = np.square(high - low).sum(axis=(0, 2, 3))
    assert energy[where].sum() > 0.95 * energy.sum() > 0


@pytest.mark.parametrize("latent", LATENTS)
def test_who_is_not_seen_or_heard_moves_nothing(latent: str) -> None:
    found = render_moved(SETTINGS, 0, FRAMES[-1:], END, SAMPLES, latent)
    assert (found.pictures[0] != found.pictures[1]).any() == (latent[0] in "sfg")
    assert (found.sound[0] != found.sound[1]).any() == (latent[0] in "sam")


def test_a_moved_cue_has_the_size_of_the_equations() -> None:
    causes: Causes = Script(SETTINGS, 0).causes
    by = np.full(len(causes.time), 0.5)
    moved = move(causes, SETTINGS, "s_valence", by)
    size = np.sqrt(0.4) * 0.5 / np.sqrt(0.4 + 0.3 + 0.3**2)
    np.testing.assert_allclose(moved.face_cue[:, 0] - causes.face_cue[:, 0], size)
    np.testing.assert_allclose(
        moved.voice_cue[:, 0] - causes.voice_cue[:, 0], np.sqrt(0.4) * 0.5 / np.sqrt(0.5 + 0.3**2)
    )
    np.testing.assert_array_equal(moved.face_cue[:, 1], causes.face_cue[:, 1])
    product = move(causes, SETTINGS, "m_arousal", by).voice_synergy_cue - causes.voice_synergy_cue
    np.testing.assert_allclose(product[:, 1], 0.5 / np.sqrt(1 + 0.3**2))


def test_a_posed_face_does_not_show_its_latent() -> None:
    posed = SETTINGS.changed(posed=0.9, seconds=12)
    causes = Script(posed, 0).causes
    moved = move(causes, posed, "f_valence", np.ones(len(causes.time)))
    change = moved.face_cue[:, 0] - causes.face_cue[:, 0]
    inside = np.convolve(causes.posed, np.ones(21), "same") == 21
    assert inside.any() and np.abs(change[inside]).max() < 1e-9


def test_the_strongest_latents_are_those_of_the_regime() -> None:
    mixed = strongest_latents(SETTINGS, "arousal")
    assert [name for name, _ in mixed["visual"]] == ["s_arousal", "g_arousal"]
    assert mixed["audio"][1] == ("m_arousal", pytest.approx(0.4 * np.sqrt(0.2)))
    unique = SETTINGS.changed(regime="unique")
    mix = regime_settings(unique).valence
    names = [name for name, _ in strongest_latents(unique, "valence")["visual"]]
    assert (names[0] == "f_valence") == (mix.unique_face > mix.redundancy)
    assert ("g_valence" in names) == (mix.synergy > 0)


def test_mistakes_are_named() -> None:
    assert recording_number("person_012") == 11
    with pytest.raises(UserError, match="anna is not a recording of the embedded corpus"):
        recording_number("anna")
    with pytest.raises(UserError, match="unknown latent"):
        render_moved(SETTINGS, 0, FRAMES, END, SAMPLES, "s_valense")
    with pytest.raises(UserError, match="recording has number 9"):
        render_moved(SETTINGS, 9, FRAMES, END, SAMPLES, None)
