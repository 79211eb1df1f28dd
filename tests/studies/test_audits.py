"""Audits: a corpus of drawn causes passes them all, and each planted fault fails the audits it should, no others."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jcalib.corpora import Corpus, Recording
from jcalib.features import Features
from jcalib.progress import Stage, listening
from jcalib.settings import Preset, preset
from jcalib.studies import Audits, audit_corpus, audit_features, oracles, probes
from tests.studies.drawn import drawn_corpus, drawn_features, relabelled, with_causes, write_faces, write_voices

Both = tuple[Corpus, Features]

VOICE_FOUND = {f"voice {kind}cue of {target} found" for kind in ("", "synergy ") for target in ("valence", "arousal")}
FACE_FOUND = {name.replace("voice", "face") for name in VOICE_FOUND}
ONE_CEILINGS = {"true face cues", "true voice cues"}
LAGS = {"lag of the voice, valence", "lag of the voice, arousal"}


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a fault leaves alone is neither trained nor heard again."""
    loudness, heard = probes.loudness, dict[Path, np.ndarray]()

    def once(recording: Recording, times: np.ndarray) -> np.ndarray:
        if recording.video not in heard:
            heard[recording.video] = loudness(recording, times)
        return heard[recording.video]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(probes, "loudness", once)
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    made = drawn_corpus(tmp_path_factory.mktemp("drawn"))
    write_faces(made)
    write_voices(made)
    return made


@pytest.fixture(scope="module")
def features(corpus: Corpus) -> Features:
    return drawn_features(corpus)


@pytest.fixture(scope="module")
def clean(corpus: Corpus, features: Features) -> Audits:
    return audit_corpus(corpus, features, small())


def small() -> Preset:
    chosen = preset("smoke")
    size = chosen.training.changed(dim=12, rank=4, epochs=6, learning_rate=1e-2)
    return chosen.changed(training=size)


def failed(audits: Audits) -> set[str]:
    return {audit.name for audit in audits.rows if audit.holds is False}


def fixed_scores(monkeypatch: pytest.MonkeyPatch, **reached: float) -> None:
    monkeypatch.setattr(oracles, "scores", lambda *_: {view: (value, value) for view, value in reached.items()})


def test_a_clean_corpus_holds(clean: Audits) -> None:
    assert clean.hold and not failed(clean)
    frame = clean.frame()
    assert list(frame.columns) == ["name", "value", "expected", "holds", "why"]
    assert len(frame) == 23 == frame["name"].nunique() and frame["holds"].all()
    assert set(clean.ceilings) == {"face", "voice", "both"}
    row = frame.set_index("name")["value"]
    assert row["true cues of both"] == pytest.approx(np.mean(clean.ceilings["both"]))


def test_a_second_call_says_the_same_and_trains_nothing(corpus: Corpus, features: Features, clean: Audits) -> None:
    seen: list[Stage] = []

    class Notes:
        def started(self, stage: Stage) -> None: ...

        def advanced(self, stage: Stage) -> None: ...

        def finished(self, stage: Stage) -> None:
            seen.append(stage)

    with listening(Notes()):
        again = audit_corpus(corpus, features, small())
    assert again.frame().equals(clean.frame())
    *trained, audit = seen
    assert all(stage.text.startswith("unchanged") for stage in trained) and len(trained) == 6
    assert (audit.name, audit.done, audit.total) == ("audit corpus", 11, 11)


def loud_labels(corpus: Corpus, features: Features, folder: Path) -> Both:
    moved = tuple(replace(one, video=folder / one.video.name) for one in corpus.recordings)
    corpus = replace(corpus, recordings=moved)
    write_voices(corpus, loudness_a_label=1)
    return corpus, features


def large_pictures(corpus: Corpus, features: Features, folder: Path) -> Both:
    corpus = replace(corpus, recordings=tuple(replace(one, faces=folder / one.faces.name) for one in corpus.recordings))
    write_faces(corpus, bytes_a_label=100)
    return corpus, features


def missing_faces(corpus: Corpus, features: Features, _: Path) -> Both:
    valid = features.valid & np.stack([np.ones(len(features.target), bool), features.target[:, 1] > -0.2], axis=1)
    return corpus, replace(features, valid=valid)


def moody_persons(corpus: Corpus, features: Features, _: Path) -> Both:
    moods = np.random.default_rng(5).normal(size=len(features.recordings)).astype(np.float32)
    labels = [info.labels + 0.4 * mood for info, mood in zip(features.recordings, moods, strict=True)]
    features = relabelled(features, labels)
    return corpus, replace(features, visual=features.visual + 3 * moods[features.recording, None])


def common_course(corpus: Corpus, features: Features, _: Path) -> Both:
    course = 0.3 * np.sin(2 * np.pi * 0.11 * features.recordings[0].times).astype(np.float32)
    features = relabelled(features, [info.labels + course[:, None] for info in features.recordings])
    return corpus, replace(features, audio=features.audio + 5 * course[features.frame, None])


def moved_lag(corpus: Corpus, features: Features, _: Path) -> Both:
    return replace(corpus, settings=corpus.settings.changed(lag=0.3)), features


def deaf_encoder(corpus: Corpus, features: Features, _: Path) -> Both:
    return corpus, replace(features, audio=np.random.default_rng(5).permutation(features.audio))


def blind_encoder(corpus: Corpus, features: Features, _: Path) -> Both:
    return corpus, replace(features, visual=np.random.default_rng(5).permutation(features.visual))


def strange_voices(corpus: Corpus, *_: object) -> Both:
    """Everybody speaks with the next one's voice."""
    causes = [one.load_truth() for one in corpus.recordings]
    voices = [{name: one[name] for name in ("voice_cue", "voice_synergy_cue")} for one in causes[1:] + causes[:1]]
    corpus = with_causes(corpus, [one | voice for one, voice in zip(causes, voices, strict=True)])
    return corpus, drawn_features(corpus)


def telling_faces(corpus: Corpus, *_: object) -> Both:
    """The face shows the product of which it should show one factor."""
    causes = []
    for truth in (one.load_truth() for one in corpus.recordings):
        product = [truth[f"m_{name}"] * truth[f"g_{name}"] for name in ("valence", "arousal")]
        causes.append(truth | {"face_synergy_cue": np.stack(product, axis=1)})
    corpus = with_causes(corpus, causes)
    return corpus, drawn_features(corpus)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (loud_labels, {"loudness only"}),
        (large_pictures, {"JPEG size only"}),
        (missing_faces, {"mask only"}),
        (moody_persons, {"identity only"}),
        (common_course, {"time only", "labels of another recording", "sound of another recording"}),
        (moved_lag, LAGS),
        (deaf_encoder, VOICE_FOUND),
        (blind_encoder, FACE_FOUND),
    ],
)
def test_a_planted_fault_fails_its_own_audits(
    fault: Callable[..., Both],
    expected: set[str],
    corpus: Corpus,
    features: Features,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixed_scores(monkeypatch, face=0.1, voice=0.1, both=0.8)  # nothing is trained
    audits = audit_corpus(*fault(corpus, features, tmp_path), small())
    assert failed(audits) - ONE_CEILINGS == expected and not audits.hold


def test_cues_that_are_not_the_labels_own_fail(corpus: Corpus, features: Features) -> None:
    found = failed(audit_corpus(*strange_voices(corpus), small()))
    assert {"true voice cues", "synergy from both"} <= found
    assert found <= {"true voice cues", "synergy from both", "true cues of both", *LAGS}  # by chance, or not


def test_a_modality_that_tells_the_product_fails(corpus: Corpus, features: Features) -> None:
    assert failed(audit_corpus(*telling_faces(corpus), small())) == {"synergy from the face alone"}


def test_both_must_tell_more_than_the_better_one(
    corpus: Corpus, features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed_scores(monkeypatch, face=0.1, voice=0.12, both=0.119)
    expected = {"true face cues", "true voice cues", "true cues of both", "synergy from both"}
    assert failed(audit_corpus(corpus, features, small())) == expected


def test_in_the_synergy_regime_one_modality_tells_nothing(
    corpus: Corpus, features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    synergy = replace(corpus, settings=corpus.settings.changed(regime="synergy"))
    fixed_scores(monkeypatch, face=0.02, voice=0.02, both=0.8)
    audits = audit_corpus(synergy, features, small())
    assert audits.hold and not LAGS & {audit.name for audit in audits.rows}
    fixed_scores(monkeypatch, face=0.3, voice=0.02, both=0.8)
    assert failed(audit_corpus(synergy, features, small())) == {"true face cues", "synergy from the face alone"}


def test_opposite_signs_of_two_targets_do_not_cancel(
    corpus: Corpus, features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = {"face": (-0.3, 0.31), "voice": (-0.06, 0.05), "both": (0.8, 0.8)}
    monkeypatch.setattr(oracles, "scores", lambda *_: reached)
    rows = {audit.name: audit for audit in audit_corpus(corpus, features, small()).rows}
    face, voice = (rows[f"synergy from the {view} alone"] for view in ("face", "voice"))
    assert (face.value, face.holds) == (0.31, False) and (voice.value, voice.holds) == (-0.06, True)
    assert "valence -0.06, arousal 0.05" in voice.why


def test_what_cues_are_and_carry_is_said(clean: Audits) -> None:
    why = {audit.name: audit.why for audit in clean.rows}
    assert "factor of m g" in why["face synergy cue of valence found"]
    assert "m g" not in why["face cue of valence found"]
    assert why["true face cues"].startswith("They carry 70% of valence and 50% of arousal, ")
    assert why["true voice cues"].startswith("They carry 50% of valence and 70% of arousal, ")


def test_few_persons_are_not_judged(corpus: Corpus, features: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed_scores(monkeypatch, face=0.9, voice=0.9, both=0)
    assert audit_corpus(corpus, features, small()).hold is False
    reported = features.of_role("report")
    infos = list(features.recordings)
    for number in reported[4:]:
        infos[number] = replace(infos[number], role="fusion")
    audits = audit_corpus(corpus, replace(features, recordings=tuple(infos)), small())
    assert audits.hold and all(audit.holds is None for audit in audits.rows)
    assert all(audit.why.endswith("Too few persons to judge.") for audit in audits.rows)


def test_without_truth_only_what_needs_none_is_asked(corpus: Corpus, features: Features, clean: Audits) -> None:
    unknown = replace(corpus, recordings=tuple(replace(one, truth=None) for one in corpus.recordings))
    audits = audit_corpus(unknown, features, small())
    table, known = audits.frame().set_index("name"), clean.frame()[:7].set_index("name")
    assert table[["expected", "holds"]].equals(known[["expected", "holds"]]) and audits.ceilings == {}
    same = table["value"] == known["value"]
    assert same.drop("JPEG size only").all() and not same["JPEG size only"], "the cues can only be taken out if known"


def test_labels_of_test_persons_are_not_opened(
    corpus: Corpus, features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed_scores(monkeypatch, face=0.1, voice=0.1, both=0.8)
    infos, closed = list(features.recordings), features.of_role("report")[-3:]
    for number in closed:
        infos[number] = replace(infos[number], role="test")
    tested = replace(features, recordings=tuple(infos))
    labels = [np.full_like(info.labels, 0.9) if info.role == "test" else info.labels for info in infos]
    loud = relabelled(tested, labels)
    assert audit_corpus(corpus, tested, small()) == audit_corpus(corpus, loud, small())
    audits = audit_features(loud)
    assert audits == audit_features(tested) and {"time only", "mask only"} <= {audit.name for audit in audits.rows}
    assert "with 32 recordings" in audits.rows[0].why  # and not with 35
