"""A folder of own features opened: rows, roles, what costs a recording, and what a folder is that has none."""

from pathlib import Path

import numpy as np
import pytest

import jcalib as jca
from jcalib.own_features import content, describe
from jcalib.settings import UserError
from jcalib.studies.feature_audits import audit_features
from tests.builders import tiny_corpus
from tests.own_features.planted import ROLES, WIDTHS, planted, planted_folder, save, write_splits

SMALL = ("fusion", "fusion", "selection", "report", "test")


def failures(folder: Path) -> dict[str, str]:
    found = jca.open_features(folder, "smoke").failures
    return dict(zip(found["name"], found["what"], strict=True))


def test_rows_are_steps_and_consecutive_steps_make_a_sequence(tmp_path: Path) -> None:
    features = jca.open_features(planted_folder(tmp_path, SMALL, steps=10), "smoke")
    assert features.audio.shape == (50, WIDTHS["audio"]) and features.visual.shape == (50, WIDTHS["visual"])
    assert features.stride == 1 and features.unit == "steps" and features.clip_time == 1
    assert features.of("r03").tolist() == list(range(30, 40)) == features.rows("report").tolist()
    assert features.frame[30:40].tolist() == list(range(10)) and features.valid.all()
    np.testing.assert_allclose(features.audio[30:40], planted(3, 10)["audio"], rtol=1e-6)
    np.testing.assert_array_equal(features.target, np.concatenate([info.labels for info in features.recordings]))
    assert [(info.person, info.role) for info in features.recordings] == [
        (f"p0{n}", role) for n, role in enumerate(SMALL)
    ]
    assert features.failures.empty and features.modalities == ("audio", "visual")
    assert "5 recordings of 5 persons, 50 steps, audio 12 and visual 20 wide, a label per step" in describe(features)


def test_seconds_are_known_only_where_all_recordings_say_them(tmp_path: Path) -> None:
    planted_folder(tmp_path, SMALL, steps=10)
    for number in range(4):
        save(tmp_path, f"r0{number}", **planted(number, 10), time=np.arange(10) / 5)
    some = jca.open_features(tmp_path, "smoke")
    assert some.unit == "steps" and "no times, so that steps are counted everywhere: r04." in some.notes
    save(tmp_path, "r04", **planted(4, 10), time=np.arange(10) / 5)
    features = jca.open_features(tmp_path, "smoke")
    assert features.unit == "s" and features.clip_time == pytest.approx(0.2)


def test_a_missing_modality_is_zero_not_valid_and_noted(tmp_path: Path) -> None:
    planted_folder(tmp_path, SMALL, steps=10)
    save(tmp_path, "r01", **{name: values for name, values in planted(1, 10).items() if name != "audio"})
    features = jca.open_features(tmp_path, "smoke")
    rows = features.of("r01")
    assert not features.audio[rows].any() and features.audio.shape[1] == WIDTHS["audio"]
    assert features.valid[rows].tolist() == [[False, True]] * 10
    assert "no audio: r01." in features.notes


def test_a_modality_that_all_lack_leaves_what_makes_sense(tmp_path: Path) -> None:
    planted_folder(tmp_path, SMALL, steps=10)
    for number in range(5):
        save(tmp_path, f"r0{number}", **{n: v for n, v in planted(number, 10).items() if n != "audio"})
    features = jca.open_features(tmp_path, "smoke")
    assert features.modalities == ("visual",) and "no audio: all recordings." in features.notes
    with pytest.raises(UserError, match=r"joint reads audio, which no recording has: .* that make sense are visual\."):
        jca.fit("joint", features, 1, "smoke")


def test_a_bad_file_costs_its_recording_and_not_the_run(tmp_path: Path) -> None:
    planted_folder(tmp_path, (*SMALL, "fusion", "fusion", "fusion", "report"), steps=10)
    (tmp_path / "r00.npz").write_bytes(b"broken")
    save(tmp_path, "r04", **planted(4, 10) | {"audio": np.zeros((10, 7))})
    save(tmp_path, "r05", **planted(5, 10, one_label=True))
    save(tmp_path, "r06", **planted(6, 10) | {"audio": np.zeros((9, 12))})
    save(tmp_path, "extra", **planted(9, 10))
    (tmp_path / "r08.npz").unlink()
    found = failures(tmp_path)
    assert "broken, or not npz" in found["r00"]
    assert found["r04"] == "audio has 7 features, in 5 other recordings 12: all need the same."
    assert found["r05"] == "it has one label, 4 other recordings have a label per step: all need the same."
    assert "audio has 9 steps and visual has 10 steps" in found["r06"]
    assert found["extra"] == "splits.csv has no row for it."
    assert found["r08"] == "splits.csv names it, and there is no such file."
    features = jca.open_features(tmp_path, "smoke")
    assert [info.name for info in features.recordings] == ["r01", "r02", "r03", "r07"]


def test_a_name_in_another_case_has_a_hint_from_both_sides(tmp_path: Path) -> None:
    planted_folder(tmp_path, (*SMALL, "fusion", "report"), steps=10)
    for number, name in enumerate(("anna", "ben")):
        (tmp_path / f"r0{number}.npz").rename(tmp_path / f"{name}.npz")
    splits = (tmp_path / "splits.csv").read_text()
    (tmp_path / "splits.csv").write_text(splits.replace("r00,", "ANNA,").replace("r01,", "Bens,").replace("r06", "R6"))
    found = failures(tmp_path)
    assert found["anna"] == "splits.csv has no row for it; 'ANNA' comes near."
    assert found["ANNA"] == "splits.csv names it, and there is no such file; 'anna' comes near."
    assert found["ben"] == "splits.csv has no row for it; 'Bens' comes near."
    assert found["r06"] == "splits.csv has no row for it; 'R6' comes near."


def test_nobody_left_to_report_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    planted_folder(tmp_path, ("fusion", "fusion", "report"), steps=10)
    (tmp_path / "r02.npz").write_bytes(b"broken")
    with pytest.raises(
        UserError, match=r"2 usable recordings and none to report .*first of 1 failures: r02: it is broken"
    ):
        jca.open_features(tmp_path, "smoke")


def test_too_few_to_select_with_one_label_each_are_trained_on(tmp_path: Path) -> None:
    features = jca.open_features(planted_folder(tmp_path, SMALL, steps=10, one_label=True), "smoke")
    assert features.one_label and len(features.of_role("fusion")) == 3 and not features.of_role("selection")
    assert any("1 selection recording" in note for note in features.notes)


def test_the_table_tells_nothing_of_the_labels_of_test_persons(tmp_path: Path) -> None:
    table = jca.open_features(planted_folder(tmp_path, SMALL, steps=10), "smoke").table().set_index("role")
    told = table[["labelled", "valence", "arousal"]]
    assert told.loc["test"].isna().all() and told.drop("test").notna().all(axis=None)
    assert table["steps"].eq(10).all() and table[["audio", "visual"]].eq(1).all(axis=None)


@pytest.mark.parametrize("one_label", [False, True])
def test_a_target_that_nobody_annotated_goes_all_the_way(
    tmp_path: Path, one_label: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    planted_folder(tmp_path, one_label=one_label)
    for number in range(len(ROLES)):
        arrays = planted(number, one_label=one_label)
        save(tmp_path, f"r{number:02d}", **arrays | {"target": arrays["target"] * [1, np.nan]})
    features = jca.open_features(tmp_path, "smoke")
    assert features.failures.empty and all(info.labels.shape[1] == 2 for info in features.recordings)
    table = features.table()
    assert table["valence"].notna().all() and table["arousal"].isna().all() and (table["labelled"] == 1).all()
    assert all(np.isfinite(audit.value) for audit in audit_features(features).rows)
    table = jca.ablate(["joint", "cross"], features, 2, "smoke").table()
    assert table["ccc_valence"].notna().all() and table["ccc_arousal"].isna().all()


def test_recordings_shorter_than_a_sequence_are_named(tmp_path: Path) -> None:
    planted_folder(tmp_path, SMALL, steps=10)
    save(tmp_path, "r01", **planted(1, 5))
    assert "fewer than the 8 steps of a sequence, so not trained on: r01." in jca.open_features(tmp_path, "smoke").notes


def test_a_changed_byte_a_changed_role_and_a_new_file_change_the_source(tmp_path: Path) -> None:
    planted_folder(tmp_path, SMALL, steps=10)
    seen = {(content(tmp_path), jca.open_features(tmp_path, "smoke").source)}
    save(tmp_path, "r01", **planted(8, 10))
    seen.add((content(tmp_path), jca.open_features(tmp_path, "smoke").source))
    write_splits(tmp_path, {f"r0{n}": (f"p{n}", role) for n, role in enumerate(("report", *SMALL[1:]))})
    seen.add((content(tmp_path), jca.open_features(tmp_path, "smoke").source))
    (tmp_path / "notes.txt").write_text("not read")
    seen.add((content(tmp_path), jca.open_features(tmp_path, "smoke").source))
    assert len(seen) == len({one for one, _ in seen}) == len({other for _, other in seen}) == 3


def test_a_folder_that_holds_something_else_is_told_what_it_is(tmp_path: Path) -> None:
    def refusal(where: Path) -> str:
        with pytest.raises(UserError) as error:
            jca.open_features(where)
        assert "\n" not in str(error.value)
        return str(error.value)

    planted_folder(tmp_path / "mine", SMALL[:1])
    assert "did you mean 'mine'" in refusal(tmp_path / "mien")
    assert "is a file: name the folder" in refusal(tmp_path / "mine" / "r00.npz")
    (tmp_path / "none").mkdir()
    assert "is empty: own features are <recording>.npz or .safetensors" in refusal(tmp_path / "none")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("1")
    assert "no features but 1 .csv files" in refusal(tmp_path / "tables")
    assert "features only below mine/: name that folder" in refusal(tmp_path)
    tiny_corpus(tmp_path / "videos_of_mine", 1, 1)
    assert "holds recordings, not features: give it with --corpus" in refusal(tmp_path / "videos_of_mine")
