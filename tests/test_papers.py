"""Every setting of a preset has a source, and the papers' presets have the papers' values."""

import pytest

from jcalib.papers import OWN, PUBLISHED, YOURS, settings_table, sourced
from jcalib.settings import PRESETS, preset


@pytest.mark.parametrize("name", PRESETS)
def test_every_setting_has_a_value_and_a_source(name: str) -> None:
    chosen = preset(name)
    rows = sourced(chosen)
    assert all(row.setting and row.value and row.source for row in rows)
    settings = [row.setting for row in rows]
    assert len(set(settings)) == len(settings)
    for part in ("encoder", "training", "labels"):
        fields = {f"{part}.{field}" for field in type(getattr(chosen, part)).model_fields}
        assert fields <= set(settings)
    assert {"hop", "seeds", "fusions"} <= set(settings)
    assert not any("MEM" in part for row in rows for part in row)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_papers_presets_name_a_source_for_each_of_their_settings(name: str) -> None:
    assert name in PRESETS
    listed = {row.setting for row in sourced(preset(name))}
    assert set(PUBLISHED[name]) <= listed, "a source for a setting that does not exist"
    assert {f"training.{field}" for field in type(preset(name).training).model_fields} <= set(PUBLISHED[name])
    assert {f"encoder.{field}" for field in type(preset(name).encoder).model_fields} <= set(PUBLISHED[name])


def test_the_papers_values() -> None:
    cvprw, tbiom = preset("paper"), preset("paper-tbiom")
    assert (cvprw.training.clips, tbiom.training.clips) == (8, 16)
    assert (cvprw.encoder.kind, cvprw.encoder.size, tbiom.encoder.kind, tbiom.encoder.size) == (
        "i3d",
        224,
        "resnet",
        112,
    )
    assert (cvprw.training.epochs, cvprw.training.batch, tbiom.training.epochs, tbiom.training.batch) == (
        30,
        96,
        50,
        64,
    )
    for one in (cvprw, tbiom):
        assert (one.hop, one.seeds, one.training.dim, one.training.rank, one.training.dropout) == (1, 10, 128, 32, 0.6)
        assert one.training.weight_decay == 0 and one.corpus.split.encoder == one.corpus.split.selection == 0
        assert one.training.practice == "selected on validation, as published"
    rates = [cvprw.training.rate(epoch) for epoch in range(10)]
    assert rates == pytest.approx([1e-3] * 7 + [8e-4] * 2 + [6.4e-4])
    assert max(tbiom.training.rate(epoch) for epoch in range(50)) == 1e-4, "the released jump to 1e-3 is not taken"


def test_a_value_of_the_kit_s_own_is_not_given_a_published_source() -> None:
    table = settings_table("quick").set_index("setting")
    assert table.loc["training.dim", "source"].startswith("CVPRW cam.py")
    assert table.loc["training.epochs", "source"] == OWN
    other = preset("quick", training=preset("quick").training.changed(dim=64))
    assert settings_table(other).set_index("setting").loc["training.dim", "source"] == YOURS
