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


def givers(features: Features, rng: int, shift: int = 1) -> list[int]:
    """Whose labels each recording has, by number."""
    changed = oracles.with_strangers_labels(features, np.random.default_rng(rng), shift=shift)
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


def test_strangers_labels_are_drawn_as_before_where_everybody_has_one_recording(many: Features) -> None:
    features = of_persons(many, {"fusion": "abcde", "selection": "fgh"})
    rng, expected = np.random.default_rng(7), np.arange(8)
    for first, count in ((0, 5), (5, 3)):
        order = rng.permutation(count)
        expected[first + order] = first + np.roll(order, 1)
    assert givers(features, 7) == expected.tolist()


def test_all_shifts_of_an_order_pair_everybody_with_every_stranger_once(many: Features) -> None:
    features = of_persons(many, {"fusion": "abcde", "selection": "fgh"})
    table = np.array([givers(features, 7, shift) for shift in range(1, 5)])
    for one in range(5):
        assert sorted(table[:, one].tolist()) == [other for other in range(5) if other != one]
    for one in range(5, 8):  # fewer persons, so that it wraps
        strangers = sorted({5, 6, 7} - {one})
        assert sorted(table[:2, one].tolist()) == sorted(table[2:, one].tolist()) == strangers


@pytest.mark.parametrize("persons", ["f", "ff"])
def test_a_person_alone_has_no_strangers(many: Features, persons: str) -> None:
    features = of_persons(many, {"fusion": "abc", "selection": persons})
    with pytest.raises(UserError, match="selection has one person, selection-f") as error:
        givers(features, 0)
    assert "\n" not in str(error.value)
