"""Read a file of weights: tensors and nothing else, never code; and say what it is."""

import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jcalib.files import hash_file
from jcalib.settings import UserError
from jcalib.weights.known import KNOWN, NOT_KNOWN, Known, find

if TYPE_CHECKING:
    from torch import Tensor

    from jcalib.encoders import Encoder


CAM = ("encoder1.", "affine_", "W_c")  # how entries of the authors' cam.py begin


@dataclass(frozen=True)
class Finding:
    """What a file is.

    Attributes:
        path: the file.
        size: bytes.
        sha256: of the file.
        known: the known file that has this SHA-256, None where there is none.
        what: its entries are, in words.
        fills: names of what it is weights of.
    """

    path: Path
    size: int
    sha256: str
    known: Known | None
    what: str
    fills: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the finding as text, a line a fact."""
        which = f"{self.known.name}, {self.known.file}" if self.known else "no file that the kit has a checksum of"
        facts = {
            "size": f"{self.size:,} bytes",
            "SHA-256": self.sha256,
            "known": which,
            "holds": self.what,
            "loads": f"as {', '.join(self.fills)}" if self.fills else NOT_KNOWN,
        }
        if self.known:
            facts["licence"] = self.known.licence
        return [f"{name:<8} {text}" for name, text in facts.items()]


def check(where: str | Path) -> Finding:
    """Say which known file this is, and whether it loads.

    Args:
        where: a path, or the name of a known file.

    Raises:
        UserError: it does not load; one line with the first differences from what it is nearest to.
    """
    path = find(where)
    digest = hash_file(path)
    known = next((one for one in KNOWN.values() if one.sha256 == digest), None)
    what, fills = _faces(path) if path.suffix == ".onnx" else _entries(path)
    return Finding(path, path.stat().st_size, digest, known, what, fills)


def load_weights(kind: str, modality: str, where: str | Path) -> "Encoder":
    """Make an encoder from a file of weights.

    Args:
        kind: "compact", "resnet" or "i3d".
        modality: "audio" or "visual".
        where: a path, or the name of a known file.

    Returns:
        The encoder, in evaluation mode.

    Raises:
        UserError: there is no such file, or it holds other weights; one line with the first differences.
    """
    from jcalib.encoders import restore_encoder

    path = find(where)
    try:
        return restore_encoder(kind, modality, read_state(path))
    except ValueError as error:
        _refuse(path, error)


def read_state(path: Path) -> dict[str, "Tensor"]:
    """Read the entries of a checkpoint: safetensors, what torch saves, or an archive that holds the latter.

    Raises:
        UserError: the file is cut off, is no checkpoint, or holds more than tensors.
    """
    import pickle

    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # on pickles of another protocol, which are refused below
            read = torch.load(_opened(path), map_location="cpu", weights_only=True)
    except Exception as error:  # bytes that are no checkpoint make the readers raise whatever they come upon
        with path.open("rb") as file:
            pickled = file.read(2) in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
        if pickled and isinstance(error, pickle.UnpicklingError):
            what = "holds more than tensors, which is not read: save its state_dict by itself"
        else:
            what = f"is cut off, or no checkpoint ({path.stat().st_size:,} bytes): name a file of torch or safetensors"
        raise UserError(f"{path} {what}, or fetch a known one (jcalib weights list).") from None
    return _tensors(path, read)


def _opened(path: Path) -> Any:
    """Return what torch reads: the file, or the checkpoint inside an archive."""
    ends = tuple(one.inside for one in KNOWN.values() if one.inside)
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if name.endswith(ends)]
        return BytesIO(archive.read(inside[0])) if inside else path


def _tensors(path: Path, read: Any) -> dict[str, "Tensor"]:
    """Return the entries, which may lie under `state_dict`."""
    import torch

    state = read.get("state_dict", read) if isinstance(read, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{path} holds no tensors by name: a checkpoint is a state_dict, by itself or under that name.")
    return {str(name).removeprefix("module."): value for name, value in state.items()}  # of nn.DataParallel


def _faces(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return what a face detector is, if OpenCV opens it."""
    from jcalib.media import find_detector

    return "a face detector", (type(find_detector(path)).__name__,)


def _entries(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return what a checkpoint's entries are, and what they fill."""
    from jcalib.encoders.published import recognise, restore
    from jcalib.fusion import JointCrossAttention

    state = read_state(path)
    try:
        if "readout.1.weight" in state:
            return _own(state)
        if any(name.startswith(CAM) for name in state):
            JointCrossAttention.from_released(state)
            return "the published cam.py weights", ("JointCrossAttention",)
        layout = recognise(state)
        for encoder in layout.loads:
            restore(encoder, state)
        return layout.what, tuple(encoder.__name__ for encoder in layout.loads)
    except ValueError as error:
        _refuse(path, error)


def _own(state: dict[str, "Tensor"]) -> tuple[str, tuple[str, ...]]:
    """Return which encoder of the kit's own a checkpoint is of: the one that shares most names."""
    import torch

    from jcalib.encoders import KINDS
    from jcalib.encoders.published import restore

    with torch.device("meta"):
        shared = {one: len(set(one.like(state).state_dict()) & set(state)) for one in KINDS.values()}
    nearest = max(shared, key=lambda one: shared[one])
    restore(nearest, state)
    return "an encoder that the kit trained", (nearest.__name__,)


def _refuse(path: Path, error: ValueError) -> NoReturn:
    raise UserError(f"{path.name}: {error}") from None
