"""The doctor finds what is missing, says how to mend it, and does not fall over what is broken."""

import sys
from pathlib import Path

import pytest

from jcalib import doctor
from jcalib.doctor import CHECKS, Check, examine, locked

BY_NAME = {check.what: check for check in CHECKS}


def row(what: str) -> doctor.Row:
    return examine([BY_NAME[what]]).rows[0]


def test_everything_needed_is_here() -> None:
    diagnosis = examine()
    assert [one.what for one in diagnosis.rows if one.state == "missing"] == []
    assert diagnosis.well
    assert list(diagnosis.frame().columns) == ["what", "state", "found", "mend"]
    assert len(diagnosis.frame()) == len(CHECKS)


def test_what_fails_is_a_row_with_its_remedy() -> None:
    def broken() -> str:
        raise OSError("libfoo.so:\n  undefined symbol")

    needed = Check("foo", broken, "install foo")
    diagnosis = examine([needed, Check("bar", broken, "install bar", needed=False), Check("baz", lambda: "1.0", "")])
    assert [one.state for one in diagnosis.rows] == ["missing", "optional", "ok"]
    assert diagnosis.rows[0].found == "libfoo.so: undefined symbol"
    assert diagnosis.rows[0].mend == "install foo"
    assert not diagnosis.well
    assert examine([Check("bar", broken, "", needed=False)]).well


def test_every_check_says_how_to_mend() -> None:
    assert all(check.mend for check in CHECKS)


def test_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert (row("Python").state, row("Python").found) == ("missing", "3.9.1")


@pytest.mark.parametrize("versions", [("2.11.0", "2.10.0", "0.26.0"), ("2.11.0", "2.11.0", "0.25.1")])
def test_a_trio_that_does_not_belong_together(versions: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(zip(("torch", "torchaudio", "torchvision"), versions, strict=True))
    monkeypatch.setattr(doctor, "version", found.__getitem__)
    assert row("torch, torchaudio, torchvision").state == "missing"
    assert "do not belong together" in row("torch, torchaudio, torchvision").found


def test_a_trio_of_one_build_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"torch": "2.11.1+cu130", "torchaudio": "2.11.0+cu130", "torchvision": "0.26.0+cu130"}
    monkeypatch.setattr(doctor, "version", found.__getitem__)
    assert row("torch, torchaudio, torchvision").state == "ok"


def test_locked_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    monkeypatch.setattr(doctor, "LOCK", lock)
    lock.write_text("pytest==0.1\nno-such-package==1.0\nonly-on-mars==1.0 ; sys_platform == 'mars'\n")
    found = row("locked versions")
    assert found.state == "optional"
    assert "no-such-package is not installed" in found.found
    assert f"pytest {pytest.__version__}, not 0.1" in found.found
    assert "mars" not in found.found
    lock.write_text(f"# a comment\npytest=={pytest.__version__}\n")
    assert row("locked versions").found == "1 packages as in requirements.lock"


def test_a_lock_is_read() -> None:
    assert locked("a==1.0\nb==2 ; sys_platform == 'linux'\n# c==3\n") == {"a": ("1.0", False), "b": ("2", True)}


def test_a_data_folder_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "file" / "data"))
    assert row("data folder").state == "missing"
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "new"))
    assert row("data folder").state == "ok"
    assert not (tmp_path / "new").exists(), "looking leaves nothing behind"


def test_too_little_disk_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK_GB", 1e9)
    monkeypatch.setattr(doctor, "MEMORY_GB", 1e9)
    assert {row("disk").state, row("memory").state} == {"missing"}


def test_video_that_comes_back_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jcalib.media.read_frames", lambda path: iter([]))
    assert row("video and sound").state == "missing"
    assert "0 of 25 frames" in row("video and sound").found


def test_no_chromium_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert row("Chromium").state == "optional"
