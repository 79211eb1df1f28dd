"""The true cause of a clip, and which maps are taken for right: mouths, brows, eyes, and a spectrogram's bands."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from jcalib.explain import against_truth, faithful_sentence, region, summary, true_cause, trust_headline, trust_sentence
from jcalib.explain.ranking import alike, best
from jcalib.explain.truth import over_time
from jcalib.settings import CorpusSettings, Split, UserError

SETTINGS = CorpusSettings(split=Split(encoder=1, fusion=1, selection=0, report=1), seconds=4, face_loss=0, posed=0)
SIZE = 64


def clip_of(end: int = 89) -> Any:
    features = SimpleNamespace(frame=np.array([end]), clip_frames=32)
    empty = torch.zeros(3, 8, SIZE, SIZE), torch.zeros(1, 64, 107)
    return SimpleNamespace(recording="person_001", row=0, features=features, pictures=empty[0], log_mel=empty[1])


def corpus_of(settings: CorpusSettings | None) -> Any:
    recording = SimpleNamespace(name="person_001", face_present=lambda: np.ones(100, bool))
    return SimpleNamespace(name="made", settings=settings, recordings=(recording,))


@pytest.fixture(scope="module")
def causes() -> dict[str, Any]:
    return {target: true_cause(corpus_of(SETTINGS), clip_of(), target) for target in ("valence", "arousal")}


def test_valence_shows_in_mouth_and_brows_and_arousal_in_the_eyes(causes: dict[str, Any]) -> None:
    rows = {target: over_time(cause.pictures, "visual").sum(axis=1) for target, cause in causes.items()}
    lower = {target: values[36:].sum() / values.sum() for target, values in rows.items()}
    assert lower["valence"] > 0.2 > 0.05 > lower["arousal"]


def test_a_cause_has_no_sign_and_the_clips_shape(causes: dict[str, Any]) -> None:
    for cause in causes.values():
        assert cause.pictures.shape == (8, SIZE, SIZE) and cause.log_mel.shape == (64, 107)
        assert (cause.pictures >= 0).all() and cause.pictures.max() > 0 and cause.log_mel.max() > 0
        assert 0.001 < region(over_time(cause.pictures, "visual")).mean() < 0.3


def test_a_mouth_reader_is_right_about_valence_and_wrong_about_arousal(causes: dict[str, Any]) -> None:
    mouth = np.zeros((SIZE, SIZE))
    mouth[40:52, 20:44] = 1
    scores = {target: against_truth(mouth, over_time(cause.pictures, "visual")) for target, cause in causes.items()}
    assert scores["valence"]["energy ratio"] > 1.5 > 0.5 > scores["arousal"]["energy ratio"]
    assert scores["valence"]["AUROC"] > 0.5 > scores["arousal"]["AUROC"]


def test_only_the_embedded_corpus_knows_causes() -> None:
    with pytest.raises(UserError, match="made has no known causes"):
        true_cause(corpus_of(None), clip_of(), "valence")


def table_of(good: float, control: float, spread: float, recordings: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "recording": f"r{n}",
            "method": method,
            "modality": modality,
            "check": check,
            "value": value + spread * noise,
            "weight": 1.0,
        }
        for n in range(recordings)
        for modality in ("visual", "audio")
        for method, value in (("occlusion", good), ("grad_cam", control - 0.1), ("edges", control), ("uniform", 0.5))
        for check, noise in (("AUROC", rng.normal()), ("infidelity", -rng.normal()))
    ]
    table = pd.DataFrame(rows)
    return table.assign(value=np.where(table["check"] == "infidelity", 1 - table["value"], table["value"]))


def test_a_map_is_trusted_only_if_it_beats_the_best_that_knows_nothing() -> None:
    table = table_of(0.9, 0.7, 0.02)
    method, control, better = best(table, "visual", "AUROC")  # type: ignore[misc]
    assert (method, control) == ("occlusion", "edges") and better.low > 0.15
    said = trust_sentence(table, "valence")
    assert said.count("trust `occlusion`") == 4 and "trust none" not in said
    assert trust_headline(table, "valence").startswith(
        "In the face: where the cause of valence lies, trust `occlusion`; "
    )
    assert "better than a map of edges by" in said and "(`occlusion` has AUROC .9" in said
    assert trust_sentence(table_of(0.72, 0.7, 0.2), "valence").count("trust none") == 4
    assert trust_headline(table_of(0.72, 0.7, 0.2), "valence").count("trust none") == 4
    assert trust_sentence(table_of(0.6, 0.8, 0.02), "arousal").count("trust none") == 4


def test_methods_that_cannot_be_told_apart_are_all_trusted() -> None:
    table = table_of(0.9, 0.7, 0.02)
    rng = np.random.default_rng(1)
    twin = table[table["method"] == "occlusion"].assign(method="gradient_shap")
    noise = 0.01 * rng.normal(size=len(twin))
    both = pd.concat([table, twin.assign(value=twin["value"] + noise)])
    (name,) = alike(both, "visual", "AUROC", "occlusion")
    assert name == "gradient_shap" and "grad_cam" in set(both["method"])
    winners = trust_headline(both, "valence")
    assert winners.count("`occlusion` or `gradient_shap`") + winners.count("`gradient_shap` or `occlusion`") == 4
    better = pd.concat([table, twin.assign(value=twin["value"] - 0.1)])
    assert alike(better, "visual", "AUROC", "occlusion") == []


def test_what_random_weights_leave_of_a_map_is_said() -> None:
    table = table_of(0.9, 0.7, 0.02)
    stages = [table[table["check"] == "AUROC"].assign(check=f"random {stage}") for stage in ("head", "encoders")]
    said = trust_sentence(pd.concat([table, *stages]), "valence")
    assert said.count("maps of the voice still agree with themselves (rank correlation) by 0.5") == 1
    assert "(head), 0.5" in said and "over 8 clips" in said
    assert "random" not in trust_sentence(table, "valence")


def test_worse_is_not_called_no_better() -> None:
    assert "is worse than a map of edges: -." in trust_sentence(table_of(0.6, 0.8, 0.02), "valence")
    assert "cannot be told from" in trust_sentence(table_of(0.72, 0.7, 0.2), "valence")


def test_two_recordings_are_too_few_for_a_verdict() -> None:
    few = table_of(0.9, 0.6, 0.02, recordings=2)
    assert trust_headline(few, "valence").count("trust none (too few recordings") == 4
    said = trust_sentence(few, "valence")
    assert "than a map of" not in said and "told from" not in said


def test_a_clip_that_hardly_moves_hardly_counts_in_what_is_relative_to_it() -> None:
    """Areas of 1 and -9, of clips that move by .9 and .1: together they are 0 of what both move."""
    rows = [{"recording": name, "method": "occlusion", "modality": "visual", "check": "deletion", "value": value,
             "weight": weight} for name, value, weight in (("a", 1.0, 0.9), ("b", -9.0, 0.1))]  # fmt: skip
    (value,) = summary(pd.DataFrame(rows))["value"]
    assert value == pytest.approx(0)


def test_a_map_no_better_than_that_of_other_clips_tells_of_the_model_and_not_of_the_clip() -> None:
    table = table_of(0.9, 0.92, 0.02).replace({"edges": "mean map"})
    assert trust_sentence(table, "valence").count("where this model looks, not what moves this clip") == 2


def test_a_faithful_map_is_held_against_a_uniform_one() -> None:
    table = table_of(0.9, 0.7, 0.0)
    both = pd.concat([table, table[table["check"] == "infidelity"].assign(check="deletion")])
    said = faithful_sentence(summary(both), "occlusion")
    assert said.count("infidelity .100 [.100, .100] (0 is perfect; a uniform map .500 [.500, .500])") == 2
    assert said.count("in random order at .500") == 2
    assert said.count("below 0 what is left pushes back") == 1
    assert "not measured" in faithful_sentence(summary(table[table["check"] == "AUROC"]), "occlusion")


def test_what_is_not_measured_is_said() -> None:
    table = table_of(0.9, 0.7, 0.02)
    only = table[table["check"] == "infidelity"]
    assert "Where the cause lies is not measured" in trust_sentence(only, "valence")
    assert "no clip moved the prediction" in trust_sentence(only[only["modality"] == "audio"], "valence")


def test_a_summary_has_an_interval_over_recordings() -> None:
    found = summary(table_of(0.9, 0.7, 0.02)).set_index(["modality", "check", "method"])
    row = found.loc[("visual", "AUROC", "occlusion")]
    assert row["low"] < 0.9 < row["high"] and row["clusters"] == 8
