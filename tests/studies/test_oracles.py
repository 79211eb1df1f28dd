"""Labels of strangers: whose they are, and that nobody gets labels of his own."""

from dataclasses import replace

import numpy as np
import pytest

from jcalib.features import Features
from jcalib.settings import UserError
from jcalib.studies import oracles
from tests.studies.drawn import drawn_corpus, drawn_features


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Features:
    return drawn_features(drawn_corpus(tmp_path_factory.mktemp("many"), split=(1, 5, 1, 2)))


def of_persons(features: Features, roles: dict[str, str]) -> Features:
    """The features of the first recordings, of persons who are letters by role; recording n has n / 10 as labels."""
    who = [(f"{role}-{person}", role) for role, persons in roles.items() for person in persons]
    infos = tuple(
        replace(info, person=person, role=role, labels=np.full_like(info.labels, number / 10))
        for number, (info, (person, role)) in enumerate(zip(features.recordings, who, strict=False))
    )
    assert len(infos) == len(who)
    kept = features.recording < len(who)
    rows = {name: getattr(features, name)[kept] for name in ("audio", "visual", "valid", "recording", "frame", "time")}
    target = np.stack([infos[number].labels[0] for number in rows["recording"]])
    return replace(features, **rows, target=target, recordings=infos)


def givers(features: Features, rng: int) -> list[int]:
    """Whose labels each recording has, by number."""
    changed = oracles.with_strangers_labels(features, np.random.default_rng(rng))
    return [round(float(info.labels[0, 0]) * 10) for info in changed.recordings]


def test_strangers_labels_are_those_of_another_person(many: Features) -> None:
    features = of_persons(many, {"fusion": "aabbc", "selection": "dde", "report": "f"})
    persons = [info.person for info in features.recordings]
    for rng in range(10):
        found = givers(features, rng)
        assert found[-1] == 8, "the report person's own"
        for one, giver in enumerate(found[:-1]):
            assert persons[giver] != persons[one]
            assert features.recordings[giver].role == features.recordings[one].role


def test_a_course_that_all_share_tells_nothing_of_ones_own(many: Features) -> None:
    """All labels are one wave of time: untouched, a stranger's would be one's own; turned, they agree by chance."""
    five = of_persons(many, {"fusion": "abcde"})
    frames = len(five.recordings[0].labels)
    wave = np.sin(2 * np.pi * np.arange(frames) / frames)
    both = np.stack([wave, wave], axis=1).astype(np.float32)
    alike = replace(five, recordings=tuple(replace(info, labels=both) for info in five.recordings))
    agreed = [
        float(info.labels[:, 0] @ wave) / float(wave @ wave)
        for seed in range(40)
        for info in oracles.with_strangers_labels(alike, np.random.default_rng(seed)).recordings
    ]
    assert abs(np.mean(agreed)) < 4 * np.std(agreed) / np.sqrt(len(agreed)) < 0.3


@pytest.mark.parametrize("persons", ["f", "ff"])
def test_a_person_alone_has_no_strangers(many: Features, persons: str) -> None:
    features = of_persons(many, {"fusion": "abc", "selection": persons})
    with pytest.raises(UserError, match="selection has one person, selection-f") as error:
        givers(features, 0)
    assert "\n" not in str(error.value)
