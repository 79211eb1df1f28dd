"""The embedded corpus: its causes add up, its pictures and sounds follow them and nothing else, its files are whole."""

from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jcalib.corpora.synthetic import REGIMES, Script, build, regime_settings, render_recording
from jcalib.corpora.synthetic.latents import TARGETS, Causes, draw_causes, episodes
from jcalib.corpora.synthetic.motion import FaceState
from jcalib.corpora.synthetic.people import draw_person
from jcalib.corpora.synthetic.scene import CROP, crop, draw, middles
from jcalib.corpora.synthetic.voice import RATE, speak
from jcalib.media import frame_times, read_picture
from jcalib.settings import CorpusSettings, Split, UserError

SETTINGS = CorpusSettings(split=Split(encoder=2, fusion=2, selection=0, report=1), seconds=16)
TINY = SETTINGS.changed(split=Split(encoder=1, fusion=1, selection=0, report=1), seconds=3, face_loss=0.3)


def causes_of(settings: CorpusSettings, count: int) -> list[Causes]:
    return [draw_causes(settings, np.random.default_rng(number)) for number in range(count)]


def share(values: NDArray, of: NDArray) -> float:
    return float((values @ of) ** 2 / (values @ values) / (of @ of))


# causes


@pytest.mark.parametrize("seconds", [3, 12, 16, 60])
@pytest.mark.parametrize("target", TARGETS)
def test_latents_are_orthonormal_within_a_recording(seconds: float, target: str) -> None:
    for causes in causes_of(SETTINGS.changed(seconds=seconds), 5):
        latents = np.stack([causes.latents[f"{name}_{target}"] for name in "sfag"])
        np.testing.assert_allclose(latents.mean(axis=1), 0, atol=1e-9)
        np.testing.assert_allclose(latents @ latents.T / latents.shape[1], np.eye(4), atol=1e-9)


def test_latents_stay_in_their_band() -> None:
    causes = draw_causes(SETTINGS.changed(seconds=60), np.random.default_rng(0))
    power = np.abs(np.fft.rfft(causes.latents["f_arousal"])) ** 2
    frequency = np.fft.rfftfreq(len(causes.time), 1 / SETTINGS.fps)
    inside = (frequency > 0.049) & (frequency < 0.351)
    assert power[inside].sum() > 0.999 * power.sum()


def test_target_has_the_shares_of_the_mix() -> None:
    found = {name: [] for name in ("s", "f", "a", "mg")}
    for causes in causes_of(SETTINGS, 200):
        latents = {name: causes.latents[f"{name}_arousal"] for name in "sfagm"}
        latents["mg"] = latents["m"] * latents["g"]
        for name, values in found.items():
            values.append(share(causes.target[:, 1], latents[name]))
    means = {name: float(np.mean(values)) for name, values in found.items()}
    assert means == pytest.approx({"s": 0.4, "f": 0.1, "a": 0.3, "mg": 0.2}, abs=0.04)


def test_target_is_the_sum_of_the_design() -> None:
    causes = draw_causes(SETTINGS, np.random.default_rng(1))
    s, f, a, g, m = (causes.latents[f"{name}_valence"] for name in "sfagm")
    expected = np.sqrt(0.4) * s + np.sqrt(0.3) * f + np.sqrt(0.1) * a + np.sqrt(0.2) * m * g
    np.testing.assert_allclose(causes.target[:, 0], expected)
    assert np.abs(causes.labels).max() <= 1
    assert (np.abs(causes.labels) == 1).mean() < 0.02


@pytest.mark.parametrize("modality", ["face", "voice"])
def test_synergy_is_nothing_to_one_modality_alone(modality: str) -> None:
    """A least-squares fit of q = 1 targets on one modality's cues and their squares, on other recordings."""
    recordings = causes_of(regime_settings(SETTINGS.changed(regime="synergy", noise=0.1)), 160)
    cues = [np.column_stack([getattr(c, f"{modality}_cue"), getattr(c, f"{modality}_synergy_cue")]) for c in recordings]
    rows = [np.column_stack([cue, cue**2, np.ones(len(cue))])[::10] for cue in cues]
    targets = [c.target[::10] for c in recordings]
    weights = np.linalg.lstsq(np.concatenate(rows[:80]), np.concatenate(targets[:80]), rcond=None)[0]
    left = np.concatenate(targets[80:]) - np.concatenate(rows[80:]) @ weights
    assert 1 - left.var() / np.concatenate(targets[80:]).var() < 0.02


def test_synergy_is_all_to_both_modalities() -> None:
    causes = draw_causes(regime_settings(SETTINGS.changed(regime="synergy", noise=0.1)), np.random.default_rng(2))
    product = causes.face_synergy_cue * causes.voice_synergy_cue
    assert np.corrcoef(product[:, 0], causes.target[:, 0])[0, 1] > 0.95


def test_voice_comes_later_by_the_lag() -> None:
    settings = regime_settings(SETTINGS.changed(regime="lag", noise=0.0))
    prompt, late = (draw_causes(s, np.random.default_rng(3)) for s in (settings.changed(lag=0.0), settings))
    np.testing.assert_allclose(late.voice_cue[15:], prompt.voice_cue[:-15], atol=1e-9)
    np.testing.assert_array_equal(late.target, prompt.target)


def test_a_posed_face_tells_nothing() -> None:
    recordings = causes_of(regime_settings(SETTINGS.changed(regime="redundant", posed=0.4, noise=0.0)), 100)
    inside = np.concatenate([c.posed for c in recordings])
    face, target = (np.concatenate([getattr(c, name)[:, 0] for c in recordings]) for name in ("face_cue", "target"))
    assert abs(np.corrcoef(face[inside], target[inside])[0, 1]) < 0.25
    assert np.corrcoef(face[~inside], target[~inside])[0, 1] > 0.95


@pytest.mark.parametrize("fraction", [0.1, 0.3])
def test_episodes_cover_their_fraction_and_half_are_long(fraction: float) -> None:
    rng = np.random.default_rng(4)
    spans = [episodes(SETTINGS, fraction, rng) for _ in range(400)]
    lengths = np.array([span.stop - span.start for recording in spans for span in recording])
    assert lengths.sum() / 400 / 400 == pytest.approx(fraction, rel=0.12)
    assert (lengths >= 6 * SETTINGS.fps).mean() > 0.5
    for recording in spans:
        assert all(one.stop <= other.start for one, other in pairwise(recording))


def test_sign_stays_for_its_dwell() -> None:
    for causes in causes_of(SETTINGS.changed(seconds=60), 5):
        flips = np.flatnonzero(np.diff(np.sign(causes.latents["m_valence"]))) / SETTINGS.fps
        assert np.diff(flips).min() > 2.8
        assert np.diff(flips).max() < 6.2


def test_regimes_are_allowed_and_unknown_ones_refused() -> None:
    for name in REGIMES:
        assert regime_settings(SETTINGS.changed(regime=name)).regime == name
    assert regime_settings(SETTINGS.changed(regime="synergy")).valence.synergy == 1
    with pytest.raises(UserError, match="redundant"):
        regime_settings(SETTINGS.changed(regime="redundent"))


# face


def still(count: int = 1, **courses: float | NDArray) -> FaceState:
    values = {field.name: np.zeros(count, np.float32) for field in fields(FaceState)}
    values["exposure"] += 1
    for name, value in courses.items():
        values[name] = values[name] + np.float32(value)
    return FaceState(**values)


PLACES = {"smile": (slice(60, 112), slice(24, 88)), "lids": (slice(38, 70), slice(20, 92))}
PLACES |= dict.fromkeys(["tilt", "brows"], (slice(18, 58), slice(16, 96)))


@pytest.mark.parametrize("cue", PLACES)
@pytest.mark.parametrize("person", range(6))
def test_each_cue_moves_its_own_place(cue: str, person: int) -> None:
    looks = draw_person(np.random.default_rng(person)).looks
    up, down = (crop(draw(looks, still(**{cue: sign}))[0], middles(still())[0]) for sign in (0.5, -0.5))
    energy = np.square(up - down).sum(axis=2)
    assert energy[PLACES[cue]].sum() > 0.98 * energy.sum()
    assert energy.sum() > 0.5


@pytest.mark.parametrize("cue", PLACES)
def test_pictures_are_smooth_in_the_cues(cue: str) -> None:
    looks = draw_person(np.random.default_rng(0)).looks
    pictures = draw(looks, still(41, **{cue: np.linspace(-1, 1, 41)}))
    steps = np.abs(np.diff(pictures, axis=0))
    assert pictures.dtype == np.float32
    assert steps.max() < 0.25


def test_people_differ_and_stay_who_they_are() -> None:
    faces = [draw(draw_person(np.random.default_rng(n)).looks, still())[0] for n in range(8)]
    again = draw(draw_person(np.random.default_rng(0)).looks, still())[0]
    np.testing.assert_array_equal(faces[0], again)
    apart = [np.abs(one - other).mean() for i, one in enumerate(faces) for other in faces[:i]]
    assert min(apart) > 0.03


def test_a_frame_does_not_depend_on_the_frames_beside_it() -> None:
    script = Script(SETTINGS, 0)
    together = draw(script.person.looks, script.face.part(slice(0, 20)))
    alone = draw(script.person.looks, script.face.part(slice(11, 12)))
    np.testing.assert_array_equal(together[11], alone[0])


def test_the_occluder_hides_every_cue() -> None:
    looks = draw_person(np.random.default_rng(1)).looks
    moved = {"smile": [-2, 2], "lids": [-2, 2], "tilt": [-2, 2], "brows": [-2, 2]}
    state = still(2, cover=1, **{name: np.array(value) for name, value in moved.items()})
    first, second = draw(looks, state)
    np.testing.assert_allclose(first, second, atol=1e-6)


# voice


def quiet(causes: Causes) -> Causes:
    """Return causes whose voice cues are all 0 and whose episodes are over."""
    none = np.zeros_like(causes.voice_cue)
    noise = np.zeros_like(causes.voice_noisy)
    return replace(causes, voice_cue=none, voice_synergy_cue=none, voice_noisy=noise)


def say(cue: str, column: int, value: float, person: int) -> NDArray[np.float32]:
    causes = quiet(draw_causes(SETTINGS.changed(seconds=4), np.random.default_rng(0)))
    moved = np.zeros_like(causes.voice_cue)
    moved[:, column] = value
    throat = draw_person(np.random.default_rng(person)).throat
    return speak(throat, replace(causes, **{cue: moved}), np.random.default_rng(1))


def pitch_of(sound: NDArray) -> float:
    """Return the median lag of the autocorrelation's peak between 70 and 450 Hz, as Hz."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, 4096)[::4096] * np.hanning(4096)
    power = np.abs(np.fft.rfft(windows, 8192)) ** 2
    correlation = np.fft.irfft(power)[:, : RATE // 70]
    lags = correlation[:, RATE // 450 :].argmax(axis=1) + RATE // 450
    return float(RATE / np.median(lags))


def power_between(sound: NDArray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(power[(frequency >= low) & (frequency < high)].sum())


@pytest.mark.parametrize("person", range(3))
def test_arousal_raises_the_pitch(person: int) -> None:
    low, high = (pitch_of(say("voice_cue", 1, value, person)) for value in (-1, 1))
    assert high / low == pytest.approx(np.exp(2 * 0.25 / np.sqrt(1.25)), rel=0.08)


@pytest.mark.parametrize("person", range(3))
def test_valence_brightens_the_vowels(person: int) -> None:
    dull, bright = (say("voice_cue", 0, value, person) for value in (-1, 1))
    ratios = [power_between(sound, 1500, 4500) / power_between(sound, 80, 900) for sound in (dull, bright)]
    assert ratios[1] > 2 * ratios[0]


@pytest.mark.parametrize("person", range(3))
def test_sign_of_valence_changes_the_breath(person: int) -> None:
    pressed, breathy = (say("voice_synergy_cue", 0, value, person) for value in (-1, 1))
    assert power_between(breathy, 12000, 16000) > 2.5 * power_between(pressed, 12000, 16000)


def test_sign_of_arousal_changes_the_tempo() -> None:
    slow, fast = (
        np.mean([tempo_of(say("voice_synergy_cue", 1, value, person)) for person in range(6)]) for value in (-1, 1)
    )
    assert fast > 1.25 * slow


def tempo_of(sound: NDArray) -> float:
    """Return the mean frequency, in Hz, of the envelope's movement between 1.5 and 10 Hz."""
    envelope = np.abs(sound[: len(sound) // 441 * 441]).reshape(-1, 441).mean(axis=1)
    power = np.abs(np.fft.rfft(np.log(envelope + 1e-3))) ** 2
    frequency = np.fft.rfftfreq(len(envelope), 0.01)
    inside = (frequency > 1.5) & (frequency < 10)
    return float((power * frequency)[inside].sum() / power[inside].sum())


def test_loudness_does_not_tell_the_labels() -> None:
    scripts = [Script(SETTINGS.changed(voice_loss=0.0), number) for number in range(12)]
    loudness, labels = [], []
    for script in scripts:
        seconds = script.sound().reshape(16, RATE)
        loudness.append(20 * np.log10(np.sqrt(np.square(seconds).mean(axis=1))))
        labels.append(script.causes.labels[24::25])
    table = np.corrcoef(np.column_stack([np.concatenate(loudness), np.concatenate(labels)]).T)
    assert np.abs(table[0, 1:]).max() < 0.2
    assert np.std(np.concatenate(loudness)) > 1


def test_noisy_episodes_bury_the_voice_and_nothing_is_cut_off() -> None:
    causes = quiet(draw_causes(SETTINGS, np.random.default_rng(0)))
    causes.voice_noisy[200:] = True
    throat = draw_person(np.random.default_rng(0)).throat
    sound = speak(throat, causes, np.random.default_rng(1))
    clear = speak(throat, quiet(causes), np.random.default_rng(1))
    added = sound - clear
    late = slice(10 * RATE, None)
    assert np.abs(added[: 7 * RATE]).max() < 1e-3
    assert np.square(added[late]).mean() > np.square(clear[late]).mean()
    assert np.sqrt(np.square(sound).mean()) > 0.02
    assert np.abs(sound).max() <= 1


# files


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    build(TINY, folder)
    return folder


def contents(folder: Path, name: str) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and name in str(path.relative_to(folder)))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_layout_is_affwild2s(corpus: Path) -> None:
    labels = corpus / "annotations" / "VA_Estimation_Challenge"
    assert sorted(path.name for path in (labels / "Train_Set").iterdir()) == ["person_001.txt", "person_002.txt"]
    assert [path.name for path in (labels / "Validation_Set").iterdir()] == ["person_003.txt"]
    assert (corpus / "corpus.json").exists()
    lines = (labels / "Train_Set" / "person_001.txt").read_text().splitlines()
    assert lines[0] == "valence,arousal"
    assert len(lines) == 76
    assert len(frame_times(corpus / "videos" / "person_001.mp4")) == 75
    assert read_picture(corpus / "cropped_aligned" / "person_001" / "00001.jpg").shape == (CROP, CROP, 3)
    assert not list(corpus.rglob(".*"))


def test_lost_faces_have_no_picture(tmp_path: Path) -> None:
    settings = TINY.changed(face_loss=0.8)
    number = next(n for n in range(50) if Script(settings, n).causes.face_lost.any())
    render_recording(settings, number, tmp_path)
    lost = Script(settings, number).causes.face_lost
    there = {int(path.stem) - 1 for path in (tmp_path / "cropped_aligned").rglob("*.jpg")}
    assert there == set(np.flatnonzero(~lost))


def test_truth_is_kept(corpus: Path) -> None:
    truth = np.load(corpus / "truth" / "person_002.npz")
    causes = Script(TINY, 1).causes
    assert set(truth) == set(causes.truth())
    np.testing.assert_allclose(truth["target"], causes.target, atol=1e-5)
    np.testing.assert_array_equal(truth["face_lost"], causes.face_lost)
    labels = np.loadtxt(
        corpus / "annotations" / "VA_Estimation_Challenge" / "Train_Set" / "person_002.txt", delimiter=",", skiprows=1
    )
    annotated = labels[:, 0] > -2
    np.testing.assert_allclose(labels[annotated], causes.labels[annotated], atol=1e-4)


def test_some_recordings_have_a_stretch_without_labels() -> None:
    invalid = [(Script(SETTINGS, number).annotation() == -5).all(axis=1) for number in range(40)]
    assert 0.1 < np.mean([one.any() for one in invalid]) < 0.6
    assert np.mean(invalid) < 0.05


def test_same_seed_same_bytes_whatever_the_size_of_the_corpus(corpus: Path, tmp_path: Path) -> None:
    larger = TINY.changed(split=Split(encoder=4, fusion=4, selection=1, report=2))
    render_recording(larger, 1, tmp_path)
    expected = contents(corpus, "person_002")
    assert len(expected) > 3
    assert contents(tmp_path, "person_002") == expected


def test_another_seed_is_another_recording() -> None:
    one, other = Script(TINY, 0), Script(TINY.changed(seed=1), 0)
    assert np.abs(one.causes.target - other.causes.target).max() > 0.1
    assert np.abs(one.person.looks.skin - other.person.looks.skin).max() > 0
    assert np.abs(one.sound() - other.sound()).max() > 0.01


def test_a_person_is_independent_of_the_knobs() -> None:
    one, other = Script(TINY, 0), Script(TINY.changed(regime="synergy", posed=0.5), 0)
    assert one.person.throat == other.person.throat
    np.testing.assert_array_equal(one.face.light_x, other.face.light_x)


def test_only_what_is_missing_is_rendered_again(corpus: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (corpus / "videos").iterdir()}
    content = contents(corpus, "person_002")
    (corpus / "annotations" / "VA_Estimation_Challenge" / "Train_Set" / "person_002.txt").unlink()
    build(TINY, corpus)
    changed = [path.stem for path, moment in before.items() if path.stat().st_mtime_ns != moment]
    assert changed == ["person_002"]
    assert contents(corpus, "person_002") == content
