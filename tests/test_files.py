"""Files appear whole or not at all."""

import hashlib
from pathlib import Path

import pytest

from jcalib import files
from jcalib.settings import UserError


def test_home_moves_with_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    assert files.home() == tmp_path.resolve()
    monkeypatch.setenv("JCALIB_HOME", "")
    assert files.home() == files.ROOT / "data"


def test_a_hash_is_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"face and voice")
    assert files.hash_file(path) == hashlib.sha256(b"face and voice").hexdigest()


def test_a_file_is_replaced_only_on_success(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.txt"
    with files.replacing(path) as beside:
        beside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    with pytest.raises(RuntimeError), files.replacing(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "new"
    assert [one.name for one in path.parent.iterdir()] == ["x.txt"]


def test_a_folder_is_replaced_only_on_success(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(RuntimeError), files.replacing_folder(path) as beside:
        (beside / "half").touch()
        raise RuntimeError
    assert [one.name for one in path.iterdir()] == ["old"]
    with files.replacing_folder(path) as beside:
        (beside / "new").touch()
    assert [one.name for one in path.iterdir()] == ["new"]
    assert [one.name for one in tmp_path.iterdir()] == ["run"]


def test_json_comes_back_and_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    files.write_json(first, {"b": [1, 2.5], "a": None})
    files.write_json(second, {"a": None, "b": [1, 2.5]})
    assert files.read_json(first) == {"a": None, "b": [1, 2.5]}
    assert first.read_bytes() == second.read_bytes()


def test_json_does_not_hide_a_missing_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "a.json", float("nan"))
    assert list(tmp_path.iterdir()) == []


def test_the_source_of_a_room_is_fingerprinted_alone() -> None:
    clips = files.source_fingerprint("clips.py")
    assert clips == files.source_fingerprint("clips.py")
    assert len({clips, files.source_fingerprint("media"), files.source_fingerprint("clips.py", "media")}) == 3


def test_free_disk_is_told_before_a_folder_is_there(tmp_path: Path) -> None:
    assert files.nearest(tmp_path / "not" / "yet") == tmp_path
    assert files.free_gb(tmp_path / "not" / "yet") == pytest.approx(files.free_gb(tmp_path), rel=0.1)


def test_a_folder_is_tried_and_nothing_stays(tmp_path: Path) -> None:
    files.check_writable(tmp_path / "deep" / "er", "name another.")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "afile").touch()
    for folder in (tmp_path / "afile", tmp_path / "afile" / "x", Path("/proc/x"), tmp_path / ("x" * 300)):
        with pytest.raises(UserError, match=r"cannot be written to \(.*\): name another\."):
            files.check_writable(folder, "name another.")


def test_work_waits_for_nobody_in_a_home_that_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "afile").touch()
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "afile"))
    with pytest.raises(UserError, match="set JCALIB_HOME to a folder that you may write to"), files.alone("work"):
        pytest.fail("it began")
