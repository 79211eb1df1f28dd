"""Settings refuse what they do not know, and their fingerprint changes with every value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jcalib.settings import (
    PRESETS,
    CorpusSettings,
    Decay,
    Mix,
    Preset,
    TrainingSettings,
    UserError,
    choose,
    fingerprint,
    preset,
)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_known_by_their_names(name: str) -> None:
    assert preset(name).name == name
    assert preset(preset(name)) is PRESETS[name]


def test_presets_grow() -> None:
    frames = [PRESETS[name].corpus.split.persons * PRESETS[name].corpus.seconds for name in ("smoke", "quick", "full")]
    assert frames == sorted(frames)
    assert {"joint", "cross"} <= set.intersection(*(set(one.fusions) for one in PRESETS.values()))


def test_a_misspelt_preset_is_one_line_with_the_near_name() -> None:
    with pytest.raises(UserError, match=r"^unknown preset 'smok': did you mean 'smoke'\? choose from [^\n]*recola\.$"):
        preset("smok")


def test_without_a_near_name_only_the_known_ones_are_listed() -> None:
    with pytest.raises(UserError, match=r"^unknown fruit 'xyz': choose from apple, pear\.$"):
        choose("xyz", ["apple", "pear"], "fruit")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sedes": 3}, "did you mean 'seeds'"),
        ({"seeds": 0}, "^seeds has 0: it must be 1 or more\\.$"),
        ({"seeds": "many"}, "^seeds has 'many': it must be a whole number\\.$"),
        ({"hop": 5}, "does not divide 32"),
        ({"corpus": {"seconds": 9}}, "^corpus.split is missing"),
        ({"corpus": PRESETS["paper"].corpus}, "0 encoder persons train no encoder: give weights_audio"),
    ],
)
def test_impossible_values_are_refused_in_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message) as refusal:
        preset("quick", **values)
    assert "\n" not in str(refusal.value)


def test_shares_add_up_to_one() -> None:
    with pytest.raises(ValidationError, match=r"add up to 0\.900"):
        Mix(redundancy=0.4, unique_face=0.3, unique_voice=0.1, synergy=0.1)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PRESETS["quick"].seeds = 3  # type: ignore[misc]


def _changed(value: object) -> object:
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, tuple):
        return (*value[1:], value[0])
    return value + (1 if isinstance(value, int) else 0.01)  # type: ignore[operator]


@pytest.mark.parametrize("field", ["seconds", "fps", "seed", "regime", "noise", "face_loss", "posed", "lag", "dwell"])
def test_every_value_is_in_the_fingerprint(field: str) -> None:
    settings = PRESETS["quick"].corpus
    other = settings.changed(**{field: _changed(getattr(settings, field))})
    assert isinstance(other, CorpusSettings)
    assert other.fingerprint() != settings.fingerprint()
    assert PRESETS["quick"].changed(corpus=other).fingerprint() != PRESETS["quick"].fingerprint()


def test_a_preset_survives_json() -> None:
    written = PRESETS["full"].model_dump_json()
    assert Preset.model_validate_json(written).fingerprint() == PRESETS["full"].fingerprint()


@given(st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False) | st.text(max_size=5), max_size=5))
def test_fingerprints_ignore_the_order_of_names(value: dict[str, object]) -> None:
    found = fingerprint(value)
    assert found == fingerprint(dict(reversed(value.items())))
    assert len(found) == 12 and set(found) <= set("0123456789abcdef")
    assert found != fingerprint({**value, "another": 1})


def test_the_learning_rate_falls_as_a_cosine_or_in_steps() -> None:
    smooth = TrainingSettings(epochs=10, learning_rate=1e-3)
    assert [smooth.rate(epoch) for epoch in (0, 5)] == pytest.approx([1e-3, 5e-4])
    stepped = smooth.changed(decay=Decay(after=5, every=2, factor=0.8))
    rates = [stepped.rate(epoch) for epoch in range(10)]
    assert rates == pytest.approx([1e-3] * 7 + [8e-4] * 2 + [6.4e-4])


def test_numbers_chosen_where_they_are_reported_say_so() -> None:
    assert TrainingSettings().practice == ""
    assert TrainingSettings(select_on="report").practice == "selected on validation, as published"
