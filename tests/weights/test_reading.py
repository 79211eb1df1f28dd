"""A file of weights is read as tensors and nothing else, and what it is is said, or one line says what it is not."""

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from jcalib.encoders import ResNetVisual, build_encoder
from jcalib.settings import UserError
from jcalib.weights import check, find, load_weights, read_state
from tests.encoders.layouts import drawn, tsav_shapes
from tests.fusion.test_released_weights import released

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def tsav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TSAV's file as it is published: the entries under `state_dict`, other things beside them."""
    path = tmp_path_factory.mktemp("tsav") / "TSAV_Sub4_544k.pth.tar"
    torch.save({"state_dict": drawn(tsav_shapes()), "epoch": 3}, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        check(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_tsav_file_is_known_by_its_entries_also_inside_its_archive(tsav: Path, tmp_path: Path) -> None:
    found = check(tsav)
    assert (found.what, found.fills) == ("TSAV's weights", ("ResNetAudio", "ResNetVisual"))
    assert found.known is None and found.size == tsav.stat().st_size
    archive = tmp_path / "home" / "weights" / "aff2model_tntsub4.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(tsav, "model2/TSAV_Sub4_544k.pth.tar")
    assert find("tsav") == archive
    encoder = load_weights("resnet", "visual", "tsav")
    assert isinstance(encoder, ResNetVisual)
    expected = read_state(tsav)["video_model.r2plus1d.stem.0.weight"][:, :3]
    assert torch.equal(encoder.state_dict()["backbone.stem.0.weight"], expected)
    with pytest.raises(UserError, match=r"^aff2model_tntsub4\.zip: TSAV's weights are weights of ResNetAudio and"):
        load_weights("i3d", "visual", "tsav")


def test_a_cam_file_and_an_encoder_of_the_kit_s_own_are_known_by_their_entries(tmp_path: Path) -> None:
    torch.save({f"module.{name}": value for name, value in released().items()}, tmp_path / "cam.t7")
    assert check(tmp_path / "cam.t7").fills == ("JointCrossAttention",)
    own = {name: value.contiguous() for name, value in build_encoder("compact", "visual", 6).state_dict().items()}
    save_file(own, tmp_path / "own.safetensors")
    found = check(tmp_path / "own.safetensors")
    assert (found.what, found.fills) == ("an encoder that the kit trained", ("CompactVisual",))


def test_files_that_do_not_fit_are_one_line_with_the_first_differences(tmp_path: Path) -> None:
    cam = released()
    torch.save(cam | {"W_a.weight": torch.zeros(32, 16)}, tmp_path / "shaped.pt")
    assert refusal(tmp_path / "shaped.pt") == (
        "shaped.pt: not the published cam.py weights: W_a.weight is (32, 16), expected (32, 8)."
    )
    torch.save({name.replace("encoder", "encode"): value for name, value in cam.items()}, tmp_path / "named.pt")
    assert "encoder1.weight is missing; encoder1.bias is missing; encoder2.weight is missing; and 5 more" in refusal(
        tmp_path / "named.pt"
    )
    state = drawn(tsav_shapes())
    del state["fc.1.bias"]
    torch.save({"state_dict": state}, tmp_path / "cut.pth")
    assert refusal(tmp_path / "cut.pth") == "cut.pth: not TSAV's weights: fc.1.bias is missing."


@pytest.mark.parametrize("new", [True, False])
def test_a_file_that_is_cut_off_is_one_line(tmp_path: Path, new: bool) -> None:
    torch.save(released(), tmp_path / "whole.pt", _use_new_zipfile_serialization=new)
    assert check(tmp_path / "whole.pt").fills
    content = (tmp_path / "whole.pt").read_bytes()
    for part in (0.01, 0.5, 0.99):
        (tmp_path / "part.pt").write_bytes(content[: int(len(content) * part)])
        assert "part.pt is " in refusal(tmp_path / "part.pt")
    (tmp_path / "part.safetensors").write_bytes(content[:500])
    assert "is cut off, or no checkpoint (500 bytes)" in refusal(tmp_path / "part.safetensors")


class Shout:
    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return print, ("code was run",)


def test_code_in_a_file_is_never_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": Shout()}, tmp_path / "new.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps({"weight": Shout()}))
    for name in ("new.pt", "old.pt"):
        assert "holds more than tensors, which is not read: save its state_dict by itself" in refusal(tmp_path / name)
    assert capsys.readouterr().out == ""


def test_what_is_no_state_dict_is_one_line(tmp_path: Path) -> None:
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    assert "holds no tensors by name" in refusal(tmp_path / "list.pt")
    texts = {"text.pt": "no weights", "line.pt": "a text\n", "page.pt": "# weights", "t.safetensors": "x"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        said = f"{name} is cut off, or no checkpoint ({len(text)} bytes): name a file of torch or safetensors, or fetch"
        assert refusal(tmp_path / name).endswith(f"{said} a known one (jcalib weights list).")
    with pytest.raises(UserError, match=r"nothing\.pt is not a file"):
        check(tmp_path / "nothing.pt")
    with pytest.raises(UserError, match="unknown weights file 'tsaw': did you mean 'tsav'"):
        check("tsaw")
