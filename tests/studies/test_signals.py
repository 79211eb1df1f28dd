"""Pictures and sound are changed before they are encoded: as said, once, and scored like the rest."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from jcalib.features import Features
from jcalib.settings import UserError
from jcalib.studies import robustness, signal_corruptions, signal_cost
from jcalib.studies import signals as room
from jcalib.studies.corruptions import Corruption, recordings_of
from jcalib.studies.signals import FACE, VOICE, Kind
from tests.played import Played


@pytest.fixture
def part(played: Played) -> Features:
    return recordings_of(played.features, played.features.of_role("report"))


def known(played: Played, seed: int = 0) -> dict[str, Corruption]:
    return {one.kind: one for one in signal_corruptions(played.corpus, played.features, seed, "cpu")}


def distance(worse: Features, part: Features, modality: str) -> float:
    column = ("audio", "visual").index(modality)
    both = worse.valid[:, column] & part.valid[:, column]
    return float(np.square(getattr(worse, modality)[both] - getattr(part, modality)[both]).mean())


@pytest.mark.parametrize(
    ("modality", "same"),
    [
        ("audio", Kind("same", "", (0.0, 1.0), sound=lambda x, *_: x)),
        ("visual", Kind("same", "", (0.0, 1.0), crops=lambda crops, *_: crops, picture=lambda *_: lambda crop: crop)),
    ],
)
def test_a_signal_that_is_not_changed_gives_the_features_own_rows(
    played: Played, part: Features, modality: str, same: Kind
) -> None:
    assert played.features.encoding is not None
    again = room._Again({one.name: one for one in played.corpus.recordings}, played.features.encoding, 0, "cpu")
    found = again.corruption(modality, same).apply(part, 1.0)
    assert np.array_equal(found.valid, part.valid)
    np.testing.assert_allclose(getattr(found, modality), getattr(part, modality), atol=1e-5)


def test_clean_is_untouched_and_the_other_modality_too(played: Played, part: Features) -> None:
    for name, one in known(played).items():
        assert one.level == "signal" and one.apply(part, one.clean) is part
        worse = one.apply(part, one.worse[-1])
        untouched = "visual" if name.startswith("voice") else "audio"
        assert getattr(worse, untouched) is getattr(part, untouched)
    assert len(known(played)) == len(VOICE) + len(FACE)


@pytest.mark.parametrize("name", ["voice in noise", "voice in a room", "voice coded", "face blurred"])
def test_the_worse_the_signal_the_farther_the_features(played: Played, part: Features, name: str) -> None:
    one = known(played)[name]
    moved = [
        distance(one.apply(part, level), part, "audio" if name.startswith("voice") else "visual") for level in one.worse
    ]
    assert moved[0] > 0 and moved[-1] > moved[0]


@pytest.mark.parametrize(("name", "column"), [("voice silent", 0), ("face lost", 1)])
def test_what_is_lost_nests_and_is_masked(played: Played, part: Features, name: str, column: int) -> None:
    one = known(played, seed=3)[name]
    valid = [one.apply(part, level).valid[:, column] for level in one.severities]
    assert all((less <= more).all() for more, less in pairwise(valid))
    assert valid[-1].sum() < valid[0].sum()


def test_frozen_frames_show_the_last_one_that_came(played: Played) -> None:
    crops: Any = list(range(50))
    for share in (0.3, 0.9):
        shown = room._frozen(crops, share, 25, np.random.default_rng(0))
        assert all(one <= frame for frame, one in enumerate(shown)) and shown == sorted(shown)
        assert np.mean([one != frame for frame, one in enumerate(shown)]) == pytest.approx(share, abs=0.15)


def test_a_recording_is_changed_alike_whoever_is_beside_it_and_anew_by_seed(played: Played, part: Features) -> None:
    name = "voice in noise"
    together = known(played)[name].apply(part, 10)
    alone = known(played)[name].apply(recordings_of(part, [1]), 10)
    first, count = part.span(1)
    assert np.array_equal(together.audio[first : first + count], alone.audio)
    other = known(played, seed=1)[name].apply(recordings_of(part, [1]), 10)
    assert not np.allclose(other.audio, alone.audio)


def test_what_was_encoded_is_looked_up(played: Played, part: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    first = known(played)["face covered"].apply(part, 0.25)
    monkeypatch.setattr(room, "load_encoder", lambda *_: pytest.fail("encoded again"))
    again = known(played)["face covered"].apply(part, 0.25)
    assert np.array_equal(first.visual, again.visual)


def test_curves_hold_signals_and_features_over_the_same_frames(played: Played) -> None:
    kinds = ["voice in noise", "face lost", "face missing"]
    found = robustness(played.runs, played.features, kinds, device="cpu", corpus=played.corpus)
    counts = [table[..., 0] for table in found.sums.values()]
    assert all(np.array_equal(one, counts[0]) for one in counts)
    table = found.frame()
    assert dict(zip(table["kind"], table["level"], strict=True)) == {
        "voice in noise": "signal", "face lost": "signal", "face missing": "features",
    }  # fmt: skip
    assert table[table["clean"]].groupby("fusion")["ccc"].nunique().eq(1).all()
    noise = table[(table["kind"] == "voice in noise") & (table["fusion"] == "joint")]
    assert noise["severity"].tolist() == [math.inf, 20, 10, 0, -10] and noise["change"].abs().max() > 0


def test_what_it_takes_is_said_before(played: Played) -> None:
    said = signal_cost(played.corpus, played.features, "cpu")
    assert "28 severities of 2 recordings" in said and " s where" in said


def test_what_cannot_be_encoded_is_refused_in_one_line(played: Played, part: Features) -> None:
    with pytest.raises(UserError, match="these features name no encoders"):
        signal_corruptions(played.corpus, replace(played.features, encoding=None))
    fewer = replace(played.corpus, recordings=played.corpus.recordings[:2])
    with pytest.raises(UserError, match="unknown recording 'p4'"):
        signal_corruptions(fewer, played.features)[0].apply(part, 10)
