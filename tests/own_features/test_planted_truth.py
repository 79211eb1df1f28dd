"""A planted truth is found, and where there is none nothing is: the label is the voice's alone, or nobody's."""

from pathlib import Path

import pytest
from toy import toy_preset

import jcalib as jca
from jcalib.studies import Study
from jcalib.studies.families import difference
from jcalib.studies.statistics import compare
from tests.own_features.planted import planted_folder


def study(fusions: tuple[str, ...], folder: Path, home: Path, **options: bool) -> Study:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(home))
        features = jca.open_features(planted_folder(folder, steps=16, **options), "smoke")
        small = toy_preset(epochs=6, learning_rate=2e-2)
        return Study({name: jca.fit(name, features, 2, small) for name in fusions})


@pytest.mark.parametrize("one_label", [False, True])
def test_the_voice_that_makes_the_label_beats_the_face(one_label: bool, tmp_path: Path) -> None:
    found = study(("audio", "visual"), tmp_path / "mine", tmp_path / "home", one_label=one_label)
    assert difference(found.sums, "audio", "visual", clusters=found.persons).low > 0.3
    voice, face = (compare(found.sums[name], clusters=found.persons) for name in ("audio", "visual"))
    assert voice.difference > 0.7 and face.low < 0 < face.high
    counted = found.sums["audio"][..., 0].sum()
    assert counted == 12 * 2 * 2 * (1 if one_label else 16), "recordings, seeds, targets, values of each"


@pytest.mark.parametrize("one_label", [False, True])
def test_with_labels_of_nobody_nothing_beats_chance(one_label: bool, tmp_path: Path) -> None:
    fusions = ("joint", "cross", "audio")
    found = study(fusions, tmp_path / "mine", tmp_path / "home", one_label=one_label, shuffled=True)
    assert [name for name in fusions if compare(found.sums[name], clusters=found.persons).low > 0] == []
