"""Predictions in the files of every edition, padded and cut by count, and read back."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcalib.corpora.templates import fill, read_template, read_values, write_values
from jcalib.settings import UserError

NAN = np.nan


def ramp(frames: int) -> np.ndarray:
    return np.stack([np.linspace(-0.9, 0.9, frames), np.linspace(0.5, -0.5, frames)], axis=1)


def single(path: Path, wanted: dict[str, list[int]]) -> Path:
    rows = [f"{video}/{number:05d}.jpg,0,0" for video, numbers in wanted.items() for number in numbers]
    path.write_text("\r\n".join(["image_location,valence,arousal", *rows]) + "\r\n")
    return path


def test_the_single_file_of_the_fifth_challenge_and_later(tmp_path: Path) -> None:
    """a has 6 frames: 3 and 4 are not asked for, 7 and 8 do not exist. b is complete; c was not predicted."""
    path = single(tmp_path / "CVPR_5th_sample.txt", {"b": [1, 2, 3], "a": [1, 2, 5, 6, 7, 8], "c": [4]})
    template = read_template(path)
    values, counts = fill(template, {"a": ramp(6), "b": ramp(3)})
    assert [tuple(one) for one in counts] == [("b", 3, 3, 0, 0, 0), ("a", 6, 6, 2, 2, 0), ("c", 1, 0, 0, 0, 0)]
    np.testing.assert_array_equal(values["a"], ramp(6)[[0, 1, 4, 5, 5, 5]])
    (written,) = write_values(template, values, tmp_path / "out")
    lines = written.read_text().splitlines()
    assert written.name == "CVPR_5th_sample.txt"
    assert lines[:2] == ["image_location,valence,arousal", "b/00001.jpg,-0.90000,0.50000"]
    assert lines[9:] == ["a/00008.jpg,0.90000,-0.50000", "c/00004.jpg,0.00000,0.00000"]
    assert [line.partition(",")[0] for line in lines[1:]] == [
        line.partition(",")[0] for line in path.read_text().splitlines()[1:]
    ]


def test_one_file_a_video_of_earlier_challenges(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    for name, length in (("a", 4), ("b_left", 9)):
        (tmp_path / "given" / f"{name}.txt").write_text("valence,arousal\n" + "0,0\n" * length)
    template = read_template(tmp_path / "given")
    values, counts = fill(template, {"a": ramp(6), "b_left": ramp(6)})
    assert [(one.padded, one.cut) for one in counts] == [(0, 2), (3, 0)]
    files = write_values(template, values, tmp_path / "out")
    assert [file.name for file in files] == ["a.txt", "b_left.txt"]
    assert files[0].read_text().splitlines()[:2] == ["valence,arousal", "-0.90000,0.50000"]
    assert len(files[1].read_text().splitlines()) == 10


def test_a_list_of_names_asks_for_every_frame(tmp_path: Path) -> None:
    (tmp_path / "test_set_release.txt").write_text("b\na\n")
    template = read_template(tmp_path / "test_set_release.txt")
    values, counts = fill(template, {"a": ramp(6), "b": ramp(3), "unasked": ramp(2)})
    assert [tuple(one) for one in counts] == [("b", 3, 3, 0, 0, 0), ("a", 6, 6, 0, 0, 0)]
    assert len(write_values(template, values, tmp_path / "out")) == 2
    with pytest.raises(UserError, match=r"b has no predictions.*corpus check"):
        fill(template, {"a": ramp(6)})


def test_frames_without_face_and_voice_take_the_nearest(tmp_path: Path) -> None:
    given = ramp(8)
    given[[0, 1, 4]] = NAN
    template = read_template(single(tmp_path / "t.txt", {"a": [*range(1, 11)], "nothing": [1, 2]}))
    values, counts = fill(template, {"a": given, "nothing": np.full((2, 2), NAN)})
    np.testing.assert_array_equal(values["a"], given[[2, 2, 2, 3, 3, 5, 6, 7, 7, 7]])
    assert tuple(counts[0]) == ("a", 10, 5, 2, 0, 3)
    assert tuple(counts[1]) == ("nothing", 2, 0, 0, 0, 2) and not values["nothing"].any()


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    wanted=st.lists(st.integers(1, 60), min_size=4, max_size=4),
    by_video=st.booleans(),
    seed=st.integers(0, 99),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], wanted: list[int], by_video: bool, seed: int
) -> None:
    """Whatever the lengths: as many rows as wanted, predictions within rounding, counts that add up."""
    folder = tmp_path_factory.mktemp("trip")
    names = [f"v{number}_left" for number in range(len(lengths))]
    asked = dict(zip(names, wanted, strict=False))
    if by_video:
        (folder / "template").mkdir()
        for name, rows in asked.items():
            (folder / "template" / f"{name}.txt").write_text("valence,arousal\n" + "0,0\n" * rows)
    else:
        single(folder / "template", {name: [*range(1, rows + 1)] for name, rows in asked.items()})
    template = read_template(folder / "template")
    rng = np.random.default_rng(seed)
    given = {name: rng.uniform(-1.2, 1.2, (length, 2)) for name, length in zip(names, lengths, strict=True)}
    values, counts = fill(template, given)
    files = write_values(template, values, folder / "out")
    back = read_values(folder / "out" if by_video else files[0])
    assert list(back) == names
    for one in counts:
        length = len(given[one.video])
        assert len(back[one.video]) == one.rows == asked[one.video]
        assert one.rows - one.padded == length - one.cut == min(length, one.rows)
        kept = one.rows - one.padded
        np.testing.assert_allclose(back[one.video][:kept], given[one.video][:kept].clip(-1, 1), atol=5.1e-6)
        assert (back[one.video][kept:] == back[one.video][kept - 1]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("image,v,a\nx/00001.jpg,0,0\n", "begins with 'image,v,a'"),
        ("image_location,valence,arousal\nx.jpg,0,0\n", "names the image 'x.jpg'"),
        ("image_location,valence,arousal\nx/00000.jpg,0,0\n", "from 1 on"),
    ],
)
def test_what_is_no_template_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        read_template(tmp_path / "t.txt")
    with pytest.raises(UserError, match="cannot be read"):
        read_template(tmp_path / "nowhere.txt")
