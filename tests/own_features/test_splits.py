"""Who is trained on and who is reported: what splits.csv says, what is dealt, and what is refused."""

from pathlib import Path

import pytest

from jcalib.own_features.splits import deal, read_places
from jcalib.settings import Split, UserError, preset

QUICK = preset("quick").corpus.split
NAMES = [f"r{number}" for number in range(8)]


def places(
    folder: Path, text: str = "", split: Split = QUICK, seed: int = 0
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    if text:
        (folder / "splits.csv").write_text(text)
    return read_places(folder, NAMES, split, seed)  # type: ignore[return-value]


def test_roles_are_taken_as_they_are(tmp_path: Path) -> None:
    found, notes = places(
        tmp_path, "\ufeffRecording, person ,ROLE\nr0,anna,fusion\n\nr1.npz,anna,fusion\nr2,ben,report\n"
    )
    assert found == {"r0": ("anna", "fusion"), "r1": ("anna", "fusion"), "r2": ("ben", "report")}
    assert notes == []


def test_a_spreadsheet_of_another_country_is_read(tmp_path: Path) -> None:
    found, _ = places(tmp_path, "recording;person;split\nr0;anna;train\nr1;ben;val\n")
    assert found == {"r0": ("anna", "fusion"), "r1": ("ben", "report")}


def test_train_persons_are_dealt_out_and_the_sets_have_their_roles(tmp_path: Path) -> None:
    rows = [f"t{number},p{number // 2},train" for number in range(40)]
    rows += ["v0,q0,validation", "v1,q1,val", "v2,q2,dev", "x0,q3,test"]
    found, notes = places(tmp_path, "recording,person,split\n" + "\n".join(rows))
    roles = [found[f"t{number}"].role for number in range(40)]  # type: ignore[attr-defined]
    assert roles[::2] == roles[1::2], "two recordings of a person are on one side"
    assert roles.count("selection") == 6 and roles.count("fusion") == 34, "8 of 54 persons, as in quick"
    assert [found[name][1] for name in ("v0", "v1", "v2", "x0")] == ["report", "report", "report", "test"]
    assert notes == ["3 of 20 train persons choose the epoch, dealt out with seed 0."]


def test_without_a_file_persons_are_dealt_in_the_presets_proportions(tmp_path: Path) -> None:
    roles = deal({f"p{number}" for number in range(90)}, {"fusion": 46, "selection": 8, "report": 36}, 0)
    assert [list(roles.values()).count(role) for role in ("fusion", "selection", "report")] == [46, 8, 36]
    found, notes = places(tmp_path)
    again, _ = places(tmp_path)
    other, _ = places(tmp_path, seed=1)
    assert found == again != other
    assert [role for _, role in found.values()].count("report") == 3
    assert "each recording counts as a person of its own" in notes[0]
    assert "dealt out with seed 0" in notes[1]


def test_persons_alone_are_dealt_too(tmp_path: Path) -> None:
    rows = [f"{name},p{number // 2}" for number, name in enumerate(NAMES)]
    found, notes = places(tmp_path, "recording,person\n" + "\n".join(rows))
    roles = [found[name][1] for name in NAMES]
    assert roles[::2] == roles[1::2] and set(roles) >= {"fusion", "report"}
    assert len(notes) == 1 and "no split is given" in notes[0]


@pytest.mark.parametrize("persons", range(2, 12))
def test_somebody_is_always_trained_on_and_somebody_reported(persons: int) -> None:
    roles = list(
        deal({f"p{number}" for number in range(persons)}, {"fusion": 4, "selection": 0, "report": 2}, 3).values()
    )
    assert roles.count("fusion") >= 1 and roles.count("report") >= 1 and len(roles) == persons


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "recording,person,split\nr0,anna,train\nr1,ben,train\nr2,anna,val\n",
            r"anna is in train \(r0\) and in validation \(r2\): a person stands on one side",
        ),
        ("recording,person,role\nr0,anna,fusion\nr1,anna,selection\n", "anna is in fusion"),
        ("recording,person,split\nr0,anna,trian\n", "unknown split of r0 'trian': did you mean 'train'"),
        ("recording,person,role\nr0,anna,encoder\n", "unknown role of r0 'encoder'.*choose from fusion, selection"),
        ("recording,person,role,split\nr0,anna,fusion,train\n", "a split and a role: keep one"),
        ("recording,preson,role\nr0,anna,fusion\n", "a column 'preson': did you mean 'person'"),
        ("recording,person,splits\nr0,anna,train\n", "a column 'splits': did you mean 'split'"),
        ("name,person\nr0,anna\n", "no column 'recording'.* it is 'name,person'"),
        ("recording,person,role\nr0,anna,fusion\nr0,anna,fusion\n", "names 'r0' twice"),
        ("recording,person,role\nr0,anna\n", "line 2 has 2 values for 3 columns"),
        ("recording,person,role\n", "has no rows"),
    ],
)
def test_a_mistake_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as refusal:
        places(tmp_path, text)
    assert "\n" not in str(refusal.value)
